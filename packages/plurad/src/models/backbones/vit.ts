/**
 * Vision Transformer, small and base, patches of 16 (Dosovitskiy et al., ICLR 2021, arXiv:2010.11929). Layout and parameter
 * names are torchvision's (timm's are translated when a checkpoint is read). The feature map is the grid of patch tokens
 * after the last norm; the class token goes beside it.
 */
import { cat, empty, nn, Parameter, zeros, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, stochasticDepth, type StochasticDepth } from '../define.js'

const PATCH = 16
const EPS = 1e-6

interface Shape {
  width: number
  depth: number
  heads: number
}

class EncoderBlock extends nn.Module {
  readonly ln_1: nn.LayerNorm
  readonly self_attention: nn.MultiheadAttention
  readonly ln_2: nn.LayerNorm
  readonly mlp: nn.Sequential
  readonly drop_path: nn.StochasticDepth

  constructor(width: number, heads: number, dropPath: number) {
    super()
    this.ln_1 = new nn.LayerNorm(width, EPS)
    this.self_attention = new nn.MultiheadAttention(width, heads)
    this.ln_2 = new nn.LayerNorm(width, EPS)
    const layers = [new nn.Linear(width, 4 * width), new nn.Linear(4 * width, width)] as const
    for (const { weight, bias } of layers) {
      nn.init.xavierUniform_(weight)
      if (bias) nn.init.normal_(bias, 0, 1e-6)
    }
    this.mlp = new nn.Sequential({ 0: layers[0], 1: new nn.GELU(), 3: layers[1] })
    this.drop_path = new nn.StochasticDepth(dropPath)
  }

  /** [N, L, width] -> [N, L, width] */
  forward(x: Tensor): Tensor {
    const normed = this.ln_1.forward(x)
    const attended = this.self_attention.forward(normed, normed, normed).output
    const between = x.add(this.drop_path.forward(attended))
    return between.add(this.drop_path.forward(this.mlp.forward(this.ln_2.forward(between))))
  }
}

class Encoder extends nn.Module<[Tensor, ((tokens: Tensor) => Tensor)?]> {
  /** One vector a token, the class token's first. */
  readonly pos_embedding: Parameter
  readonly layers: nn.Sequential
  readonly ln: nn.LayerNorm

  constructor({ width, depth, heads }: Shape, tokens: number, dropPath: number) {
    super()
    this.pos_embedding = new Parameter(empty([1, tokens, width]))
    nn.init.normal_(this.pos_embedding, 0, 0.02)
    this.layers = new nn.Sequential(
      Object.fromEntries(
        Array.from({ length: depth }, (_, i) => [
          `encoder_layer_${i}`,
          new EncoderBlock(width, heads, (dropPath * i) / Math.max(1, depth - 1)),
        ]),
      ),
    )
    this.ln = new nn.LayerNorm(width, EPS)
  }

  /** Tokens after the last layer, normalised; those after every third of the layers before go through `onThird`. */
  forward(tokens: Tensor, onThird: (tokens: Tensor) => Tensor = (same) => same): Tensor {
    let x = tokens.add(this.pos_embedding)
    const blocks = Array.from(this.layers.namedChildren(), ([, block]) => block as nn.Module)
    blocks.forEach((block, i) => {
      x = block.forward(x)
      const done = (3 * (i + 1)) / blocks.length
      if (done === 1 || done === 2) x = onThird(x)
    })
    return this.ln.forward(x)
  }
}

class VisionTransformer extends Backbone {
  readonly class_token: Parameter
  readonly conv_proj: nn.Conv2d
  readonly encoder: Encoder
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction = PATCH
  override readonly stem = 'conv_proj.weight'

  constructor(
    { inChannels, size }: BackboneSettings,
    { drop_path: dropPath }: StochasticDepth,
    shape: Shape,
  ) {
    super()
    const { width } = shape
    const side = size / PATCH
    this.class_token = new Parameter(zeros([1, 1, width]))
    this.conv_proj = new nn.Conv2d(inChannels, width, PATCH, { stride: PATCH })
    nn.init.truncatedNormal_(this.conv_proj.weight, Math.sqrt(1 / (inChannels * PATCH * PATCH)))
    if (this.conv_proj.bias) nn.init.constant_(this.conv_proj.bias, 0)
    this.encoder = new Encoder(shape, side * side + 1, dropPath ?? 0)
    this.featureChannels = width
    this.stageChannels = [width, width, width]
  }

  forward(pixels: Tensor): Features {
    const patches = this.conv_proj.forward(pixels)
    const [batch, , height, width] = patches.shape
    const tokens = patches.flatten(2).transpose(1, 2)
    const stages: Tensor[] = []
    const asMap = (all: Tensor): Tensor => {
      const map = all.slice(1, 1).transpose(1, 2).reshape(batch, this.featureChannels, height, width)
      stages.push(map)
      return map
    }
    const last = this.encoder.forward(cat([this.class_token.expand(batch, -1, -1), tokens], 1), (all) =>
      cat([all.slice(1, 0, 1), asMap(all).flatten(2).transpose(1, 2)], 1),
    )
    return { map: asMap(last), stages, token: last.select(1, 0) }
  }

  publishedClassifier(labels: number): TokenHead {
    return new TokenHead(this.featureChannels, labels)
  }
}

/** One linear layer on the class token. */
class TokenHead extends nn.Module<[Features], { logits: Tensor }> {
  readonly heads: nn.Sequential

  constructor(width: number, labels: number) {
    super()
    const head = new nn.Linear(width, labels)
    nn.init.constant_(head.weight, 0)
    if (head.bias) nn.init.constant_(head.bias, 0)
    this.heads = new nn.Sequential({ head })
  }

  forward({ map, token }: Features): { logits: Tensor } {
    return { logits: this.heads.forward(token ?? map.mean([2, 3])) }
  }
}

const vit = (shape: Shape) =>
  defineBackbone({
    paper: 'Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021',
    options: stochasticDepth,
    multiple: PATCH,
    make: (settings, options) => new VisionTransformer(settings, options, shape),
  })

export const vitSmall16 = vit({ width: 384, depth: 12, heads: 6 })
export const vitBase16 = vit({ width: 768, depth: 12, heads: 12 })
