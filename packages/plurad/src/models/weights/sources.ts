/**
 * Public checkpoints that are known to load, by a short name. Only facts: where the file is, what it was trained on and how
 * its pixels were normalised. Accuracy is as published, on ImageNet's validation images where that is what it was trained on.
 */

export interface KnownCheckpoint {
  /** What a recipe's `model.weights` says. */
  id: string
  /** Name of the backbone in the registry. */
  backbone: string
  /** Address, or `hf:owner/name/file` on a hub. */
  url: string
  /** What the SHA-256 begins with, where the publisher says so. */
  sha256: string | null
  /** Of the weights, as their publisher states it. */
  licence: string
  trainedOn: string
  /** Side of the images, pixels. */
  size: number
  /** Of pixels in [0, 1], one value a channel. */
  mean: readonly number[]
  std: readonly number[]
  /** What the rows of the classifier stand for; null for a row of nothing, or ImageNet's 1000 classes as a count. */
  classes: readonly (string | null)[] | number
  /** Share of right first answers, percent; null where the publisher gives none. */
  top1: number | null
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const HALVES = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }

/** Backbone, file, percent right, side. */
const TORCHVISION: readonly (readonly [string, string, number, number?])[] = [
  ['densenet121', 'densenet121-a639ec97', 74.434],
  ['densenet169', 'densenet169-b2777c0a', 75.6],
  ['densenet201', 'densenet201-c1103571', 76.896],
  ['resnet18', 'resnet18-f37072fd', 69.758],
  ['resnet34', 'resnet34-b627a593', 73.314],
  ['resnet50', 'resnet50-0676ba61', 76.13],
  ['resnet50_v2', 'resnet50-11ad3fa6', 80.858],
  ['resnet101', 'resnet101-63fe2227', 77.374],
  ['resnet101_v2', 'resnet101-cd907fc2', 81.886],
  ['vgg16', 'vgg16-397923af', 71.592],
  ['vgg16_bn', 'vgg16_bn-6c64b313', 73.36],
  ['vgg19', 'vgg19-dcbb9e9d', 72.376],
  ['vgg19_bn', 'vgg19_bn-c79401a0', 74.218],
  ['mobilenet_v2', 'mobilenet_v2-b0353104', 71.878],
  ['mobilenet_v2_v2', 'mobilenet_v2-7ebf99e0', 72.154],
  ['mobilenet_v3_small', 'mobilenet_v3_small-047dcff4', 67.668],
  ['mobilenet_v3_large', 'mobilenet_v3_large-8738ca79', 74.042],
  ['mobilenet_v3_large_v2', 'mobilenet_v3_large-5c1a4163', 75.274],
  ['efficientnet_b0', 'efficientnet_b0_rwightman-7f5810bc', 77.692],
  ['efficientnet_b1', 'efficientnet_b1_rwightman-bac287d4', 78.642, 240],
  ['efficientnet_b1_v2', 'efficientnet_b1-c27df63c', 79.838, 240],
  ['efficientnet_b2', 'efficientnet_b2_rwightman-c35c1473', 80.608, 288],
  ['efficientnet_b3', 'efficientnet_b3_rwightman-b3899882', 82.008, 300],
  ['efficientnet_b4', 'efficientnet_b4_rwightman-23ab8bcd', 83.384, 380],
  ['convnext_tiny', 'convnext_tiny-983f1562', 82.52],
  ['convnext_small', 'convnext_small-0c510722', 83.616],
  ['convnext_base', 'convnext_base-6075fbad', 84.062],
  ['vit_b_16', 'vit_b_16-c867db91', 81.072],
  ['swin_t', 'swin_t-704ceda3', 81.474],
  ['swin_s', 'swin_s-5e29d889', 83.196],
  ['swin_b', 'swin_b-68c6b09e', 83.582],
]

/**
 * Checksums in the old names of torchvision's EfficientNets, which were wrong, and in the names that it gave the same files
 * then (pytorch/vision#8036). The old addresses are still in use.
 */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['3dd342df', '7f5810bc'],
  ['533bc792', 'bac287d4'],
  ['bcdf34b7', 'c35c1473'],
  ['cf984f9c', 'b3899882'],
  ['7eb33cd5', '23ab8bcd'],
])

/** The second training recipe of some architectures is `<backbone>_v2`; MobileNet's own name ends so too. */
function backboneOf(name: string): string {
  return name === 'mobilenet_v2' ? name : name.replace(/_v2$/, '')
}

const torchvision = TORCHVISION.map(([name, file, top1, size = 224]): KnownCheckpoint => ({
  id: `torchvision/${name}`,
  backbone: backboneOf(name),
  url: `https://download.pytorch.org/models/${file}.pth`,
  sha256: file.slice(-8),
  licence: 'BSD-3-Clause',
  trainedOn: 'ImageNet-1k',
  size,
  ...IMAGENET,
  classes: 1000,
  top1,
}))

/** Its training script scaled pixels itself, to [-1, 1]. */
const inceptionV3: KnownCheckpoint = {
  id: 'torchvision/inception_v3',
  backbone: 'inception_v3',
  url: 'https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth',
  sha256: '0cc3c7bd',
  licence: 'BSD-3-Clause',
  trainedOn: 'ImageNet-1k',
  size: 299,
  ...HALVES,
  classes: 1000,
  top1: 77.294,
}

const FINDINGS = [
  'Atelectasis',
  'Consolidation',
  'Infiltration',
  'Pneumothorax',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Effusion',
  'Pneumonia',
  'Pleural_Thickening',
  'Cardiomegaly',
  'Nodule',
  'Mass',
  'Hernia',
  'Lung Lesion',
  'Fracture',
  'Lung Opacity',
  'Enlarged Cardiomediastinum',
] as const

/** Name, beginning of the file's name, data, and the places of the findings that the data did not have. */
const XRAYVISION: readonly (readonly [string, string, string, readonly number[]])[] = [
  [
    'all',
    'nih-pc-chex-mimic_ch-google-openi-kaggle',
    'NIH, PadChest, CheXpert, MIMIC-CXR, Google, OpenI, RSNA',
    [],
  ],
  ['nih', 'nih', 'NIH ChestX-ray14', [14, 15, 16, 17]],
  ['pc', 'pc', 'PadChest', [14, 16, 17]],
  ['chex', 'chex', 'CheXpert', [2, 5, 6, 9, 11, 12, 13]],
  ['mimic_nb', 'mimic_nb', 'MIMIC-CXR (NegBio labels)', [2, 5, 6, 9, 11, 12, 13]],
  ['mimic_ch', 'mimic_ch', 'MIMIC-CXR (CheXpert labels)', [2, 5, 6, 9, 11, 12, 13]],
]

/** Pixels of [0, 1] become [-1024, 1024]: (x - 1/2) / (1/2048). */
const torchxrayvision = XRAYVISION.map(([name, file, trainedOn, absent]): KnownCheckpoint => ({
  id: `torchxrayvision/densenet121-res224-${name}`,
  backbone: 'densenet121',
  url:
    'https://github.com/mlmed/torchxrayvision/releases/download/v1/' +
    `${file}-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt`,
  sha256: null,
  licence: 'Apache-2.0',
  trainedOn,
  size: 224,
  mean: [0.5],
  std: [1 / 2048],
  classes: FINDINGS.map((finding, i) => (absent.includes(i) ? null : finding)),
  top1: null,
}))

const FACEBOOK = 'https://dl.fbaipublicfiles.com'
const SWIN = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.0'

const others: readonly (Pick<KnownCheckpoint, 'id' | 'backbone' | 'url' | 'licence'> &
  Partial<KnownCheckpoint>)[] = [
  {
    id: 'dino/vit_s_16',
    backbone: 'vit_s_16',
    url: `${FACEBOOK}/dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth`,
    licence: 'Apache-2.0',
    trainedOn: 'ImageNet-1k without labels',
    classes: 0,
  },
  {
    id: 'dino/vit_b_16',
    backbone: 'vit_b_16',
    url: `${FACEBOOK}/dino/dino_vitbase16_pretrain/dino_vitbase16_pretrain.pth`,
    licence: 'Apache-2.0',
    trainedOn: 'ImageNet-1k without labels',
    classes: 0,
  },
  {
    id: 'mae/vit_b_16',
    backbone: 'vit_b_16',
    url: `${FACEBOOK}/mae/pretrain/mae_pretrain_vit_base.pth`,
    licence: 'CC-BY-NC-4.0',
    trainedOn: 'ImageNet-1k without labels',
    classes: 0,
  },
  {
    id: 'deit/vit_s_16',
    backbone: 'vit_s_16',
    url: `${FACEBOOK}/deit/deit_small_patch16_224-cd65a155.pth`,
    sha256: 'cd65a155',
    licence: 'Apache-2.0',
  },
  ...(['tiny', 'small', 'base'] as const).map((size) => ({
    id: `convnext/${size}-22k`,
    backbone: `convnext_${size}`,
    url: `${FACEBOOK}/convnext/convnext_${size}_22k_224.pth`,
    licence: 'MIT',
    trainedOn: 'ImageNet-22k',
    classes: 21841,
  })),
  ...(['tiny', 'small', 'base'] as const).map((size) => ({
    id: `swin/${size}`,
    backbone: `swin_${size[0]}`,
    url: `${SWIN}/swin_${size}_patch4_window7_224.pth`,
    licence: 'MIT',
  })),
  ...(['base', 'large'] as const).map((size) => ({
    id: `swin/${size}-22k`,
    backbone: `swin_${size[0]}`,
    url: `${SWIN}/swin_${size}_patch4_window7_224_22k.pth`,
    licence: 'MIT',
    trainedOn: 'ImageNet-22k',
    classes: 21841,
  })),
  {
    id: 'timm/vit_s_16',
    backbone: 'vit_s_16',
    url: 'hf:timm/vit_small_patch16_224.augreg_in21k_ft_in1k/model.safetensors',
    licence: 'Apache-2.0',
    trainedOn: 'ImageNet-21k, then ImageNet-1k',
    ...HALVES,
  },
]

const DEFAULTS = { sha256: null, trainedOn: 'ImageNet-1k', size: 224, ...IMAGENET, classes: 1000, top1: null }

export const knownCheckpoints: readonly KnownCheckpoint[] = [
  ...torchvision,
  inceptionV3,
  ...torchxrayvision,
  ...others.map((entry): KnownCheckpoint => ({ ...DEFAULTS, ...entry })),
]

/** Files that a hub's model is looked for in, the first that there is. */
export const HUB_FILES = ['model.safetensors', 'pytorch_model.bin']

/** What stands before `#`, and what after it: an address or name may end in `#sha256=` and a checksum. */
export function splitReference(reference: string): { address: string; fragment: string | null } {
  const at = reference.indexOf('#')
  if (at < 0) return { address: reference, fragment: null }
  return { address: reference.slice(0, at), fragment: reference.slice(at + 1) }
}

/** The checkpoint of this name or at this address; null where none is known. */
export function knownCheckpoint(reference: string): KnownCheckpoint | null {
  const { address } = splitReference(reference)
  const plain = plainAddress(address)
  return knownCheckpoints.find(({ id, url }) => id === address || plainAddress(url) === plain) ?? null
}

/** One way of writing for the addresses of one file. */
function plainAddress(address: string): string {
  const hub = /^hf:([^/@]+\/[^/@]+)(?:\/([^@]+))?(?:@main)?$/.exec(address)
  if (hub !== null) return `hf:${hub[1]}/${hub[2] ?? HUB_FILES[0]}`
  if (!/^https?:/.test(address) || !URL.canParse(address)) return address
  const { host, pathname } = new URL(address)
  return `https://${host}${presentName(pathname)}`
}

function presentName(path: string): string {
  return path.replace(/(?<=-)[0-9a-f]{8}(?=\.\w+$)/, (checksum) => RENAMED.get(checksum) ?? checksum)
}

/** What the SHA-256 of a file of PyTorch's begins with by its name, as torch.hub's `check_hash` has it; null for others. */
export function checksumInName(address: string): string | null {
  if (!URL.canParse(address)) return null
  const { host, pathname } = new URL(address)
  if (host !== 'download.pytorch.org') return null
  return /-([0-9a-f]{8,64})\.\w+$/.exec(presentName(pathname))?.[1] ?? null
}

/** Whether what a recipe says of weights is a path, rather than an address or the name of a known checkpoint. */
export function isWeightsPath(reference: string): boolean {
  return !/^(https?|hf):/.test(reference) && knownCheckpoint(reference) === null
}

/**
 * Mean and standard deviation that a checkpoint's pixels were normalised with, for images of so many channels. Grey images
 * under filters of colour get the average, which is what their sum sees.
 */
export function normalisationOf(
  { mean, std }: KnownCheckpoint,
  channels: number,
): { mean: number[]; std: number[] } {
  const average = (values: readonly number[]): number =>
    Number((values.reduce((a, b) => a + b, 0) / values.length).toPrecision(12))
  if (mean.length === channels) return { mean: [...mean], std: [...std] }
  const each = (value: number): number[] => new Array<number>(channels).fill(value)
  return { mean: each(average(mean)), std: each(average(std)) }
}
