import { rulesOf, type Translation } from './translation.js'

const block = (stage: string, index: string, part: string): string =>
  `features.${2 * Number(stage) + 1}.${index}.${part}`
const between = (stage: string, part: string): string => `features.${2 * Number(stage)}.${part}`

/** Position of a block's parts in torchvision's `block`. */
const FILTER = 'block.0'
const NORM = 'block.2'
const WIDER = 'block.3'
const NARROWER = 'block.5'

export const timmConvNext: Translation = {
  name: 'timm',
  backbones: /^convnext_/,
  key: rulesOf([
    [/^stem\.(.*)$/, (rest) => `features.0.${rest}`],
    [/^stages\.(\d+)\.downsample\.(.*)$/, (s, rest) => between(s, rest)],
    [/^stages\.(\d+)\.blocks\.(\d+)\.gamma$/, (s, i) => block(s, i, 'layer_scale')],
    [/^stages\.(\d+)\.blocks\.(\d+)\.conv_dw\.(.*)$/, (s, i, rest) => block(s, i, `${FILTER}.${rest}`)],
    [/^stages\.(\d+)\.blocks\.(\d+)\.norm\.(.*)$/, (s, i, rest) => block(s, i, `${NORM}.${rest}`)],
    [/^stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc1\.(.*)$/, (s, i, rest) => block(s, i, `${WIDER}.${rest}`)],
    [/^stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc2\.(.*)$/, (s, i, rest) => block(s, i, `${NARROWER}.${rest}`)],
    [/^head\.norm\.(.*)$/, (rest) => `classifier.0.${rest}`],
    [/^head\.fc\.(.*)$/, (rest) => `classifier.2.${rest}`],
  ]),
}

/** The authors' own files. */
export const facebookConvNext: Translation = {
  name: 'facebookresearch/ConvNeXt',
  backbones: /^convnext_/,
  key: rulesOf([
    [/^downsample_layers\.(\d+)\.(.*)$/, (s, rest) => between(s, rest)],
    [/^stages\.(\d+)\.(\d+)\.gamma$/, (s, i) => block(s, i, 'layer_scale')],
    [/^stages\.(\d+)\.(\d+)\.dwconv\.(.*)$/, (s, i, rest) => block(s, i, `${FILTER}.${rest}`)],
    [/^stages\.(\d+)\.(\d+)\.norm\.(.*)$/, (s, i, rest) => block(s, i, `${NORM}.${rest}`)],
    [/^stages\.(\d+)\.(\d+)\.pwconv1\.(.*)$/, (s, i, rest) => block(s, i, `${WIDER}.${rest}`)],
    [/^stages\.(\d+)\.(\d+)\.pwconv2\.(.*)$/, (s, i, rest) => block(s, i, `${NARROWER}.${rest}`)],
    [/^norm\.(.*)$/, (rest) => `classifier.0.${rest}`],
    [/^head\.(.*)$/, (rest) => `classifier.2.${rest}`],
  ]),
}
