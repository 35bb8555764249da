/** Every backbone and head by its name in a recipe. Adding one is a file and a line here. */
import { RecipeError } from '../errors.js'
import { closest } from '../suggest.js'
import type { Backbone, BackboneSettings } from './backbone.js'
import { densenet121, densenet169, densenet201, densenet3d121 } from './backbones/densenet.js'
import { convnextBase, convnextSmall, convnextTiny } from './backbones/convnext.js'
import {
  efficientnetB0,
  efficientnetB1,
  efficientnetB2,
  efficientnetB3,
  efficientnetB4,
} from './backbones/efficientnet.js'
import { guitaCnn, guitaLstm, guitaVgg } from './backbones/guita.js'
import { inceptionResnetV2 } from './backbones/inception-resnet-v2.js'
import { inceptionV3 } from './backbones/inception-v3.js'
import { mobilenetV2 } from './backbones/mobilenet-v2.js'
import { mobilenetV3Large, mobilenetV3Small } from './backbones/mobilenet-v3.js'
import { resnet101, resnet18, resnet34, resnet3d18, resnet3d50, resnet50 } from './backbones/resnet.js'
import { swinBase, swinLarge, swinSmall, swinTiny } from './backbones/swin.js'
import { vgg16, vgg16bn, vgg19, vgg19bn } from './backbones/vgg.js'
import { vitBase16, vitSmall16 } from './backbones/vit.js'
import { bilinear } from './heads/bilinear.js'
import { cTran } from './heads/c-tran.js'
import { classAttention } from './heads/class-attention.js'
import { cosine } from './heads/cosine.js'
import { ldrnet } from './heads/ldrnet.js'
import { linear } from './heads/linear.js'
import { locationAttention } from './heads/location-attention.js'
import { metadataFusion } from './heads/metadata-fusion.js'
import { metric } from './heads/metric.js'
import { mlDecoder } from './heads/ml-decoder.js'
import { mlGcn } from './heads/ml-gcn.js'
import { mlp } from './heads/mlp.js'
import { perLabelMlp } from './heads/per-label-mlp.js'
import { query2label } from './heads/query2label.js'
import { published } from './heads/published.js'
import type { BackboneEntry, HeadEntry } from './define.js'
import type { Head, HeadContext } from './head.js'
import { checkOptions, type Part } from './part.js'

export const backbones: Readonly<Record<string, BackboneEntry>> = {
  densenet121,
  densenet169,
  densenet201,
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  vgg16,
  vgg16_bn: vgg16bn,
  vgg19,
  vgg19_bn: vgg19bn,
  mobilenet_v2: mobilenetV2,
  mobilenet_v3_small: mobilenetV3Small,
  mobilenet_v3_large: mobilenetV3Large,
  efficientnet_b0: efficientnetB0,
  efficientnet_b1: efficientnetB1,
  efficientnet_b2: efficientnetB2,
  efficientnet_b3: efficientnetB3,
  efficientnet_b4: efficientnetB4,
  inception_v3: inceptionV3,
  inception_resnet_v2: inceptionResnetV2,
  convnext_tiny: convnextTiny,
  convnext_small: convnextSmall,
  convnext_base: convnextBase,
  vit_s_16: vitSmall16,
  vit_b_16: vitBase16,
  swin_t: swinTiny,
  swin_s: swinSmall,
  swin_b: swinBase,
  swin_l: swinLarge,
  guita_cnn: guitaCnn,
  guita_vgg: guitaVgg,
  guita_lstm: guitaLstm,
  resnet3d18,
  resnet3d50,
  densenet3d121,
}

export const heads: Readonly<Record<string, HeadEntry>> = {
  linear,
  published,
  mlp,
  per_label_mlp: perLabelMlp,
  location_attention: locationAttention,
  class_attention: classAttention,
  bilinear,
  ml_gcn: mlGcn,
  query2label,
  ml_decoder: mlDecoder,
  c_tran: cTran,
  ldrnet,
  metadata_fusion: metadataFusion,
  metric,
  cosine,
}

/** Throws `RecipeError` for an unknown name, a misspelt option or an image size that the architecture cannot take. */
export function makeBackbone({ name, ...options }: Part, settings: BackboneSettings): Backbone {
  const entry = lookUp(backbones, 'backbone', name)
  const { size } = settings
  if (size < entry.smallest || size % entry.multiple !== 0) {
    const multiples = entry.multiple === 1 ? '' : ` and a multiple of ${entry.multiple}`
    throw new RecipeError(
      `The backbone ${name} cannot take images of ${size} x ${size} pixels: their side has to be at least ` +
        `${entry.smallest}${multiples}. Change data.size.`,
    )
  }
  return entry.make(settings, checkOptions(entry.options, `backbone ${name}`, options))
}

/** Throws `RecipeError` for an unknown name, a misspelt option, or options that do not go with each other or the backbone. */
export function makeHead({ name, ...options }: Part, context: HeadContext): Head {
  const entry = lookUp(heads, 'head', name)
  const checked = checkOptions(entry.options, `head ${name}`, options)
  try {
    return entry.make(context, checked)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RecipeError(`The head ${name} cannot be made so: ${error.message}. Change model.head.`, {
      cause: error,
    })
  }
}

/** What a recipe says of a part can be used. Throws `RecipeError`. */
export function checkPart(kind: 'backbone' | 'head', { name, ...options }: Part): void {
  const entry = kind === 'backbone' ? lookUp(backbones, kind, name) : lookUp(heads, kind, name)
  checkOptions(entry.options, `${kind} ${name}`, options)
}

/** A recipe can train a backbone and a head, as far as that can be told before they are made. Throws `RecipeError`. */
export function checkNetwork(backbone: Part, head: Part): void {
  checkPart('backbone', backbone)
  checkPart('head', head)
  if (backbones[backbone.name].dims === 3)
    throw new RecipeError(
      `The backbone ${backbone.name} reads volumes, and recipes train on images (of a volume: its slices). It is for programs ` +
        'that make the tensors themselves; in a recipe take a backbone of images, such as resnet18.',
    )
  if ((backbone['dropout'] ?? null) === null || head.name === 'published') return
  throw new RecipeError(
    `The option dropout of the backbone ${backbone.name} is that of its published classifier, whose place the head ` +
      `${head.name} takes. Set the head's own, such as model.head={name: linear, dropout: 0.5}.`,
  )
}

/** Finds an entry of a registry. Throws `RecipeError` that lists what there is. */
export function lookUp<T>(registry: Readonly<Record<string, T>>, kind: string, name: string): T {
  const entry = Object.hasOwn(registry, name) ? registry[name] : undefined
  if (entry === undefined) {
    const names = Object.keys(registry)
    const guess = closest(name, names)
    throw new RecipeError(
      `There is no ${kind} '${name}'${guess === null ? '' : `, did you mean '${guess}'?`} Known: ${names.join(', ')}.`,
    )
  }
  return entry
}
