import { byRules, type Translation } from './translation.js'

const merging = (stage: number, part: string): string => `features.${2 * stage + 2}.${part}`
const block = (stage: string, index: string, part: string): string =>
  `features.${2 * Number(stage) + 1}.${index}.${part}`

/**
 * Names of timm and of the authors. The merging of patches stands at the end of the stage before it, and since timm 0.9 at
 * the start of the stage after it; its four corners come in the same order in all of them.
 */
export const timmSwin: Translation = {
  name: 'timm',
  backbones: /^swin_/,
  key: (key, all) => {
    const before = all.has('layers.0.downsample.reduction.weight')
    return byRules(key, [
      [/^patch_embed\.proj\.(.*)$/, (rest) => `features.0.0.${rest}`],
      [/^patch_embed\.norm\.(.*)$/, (rest) => `features.0.2.${rest}`],
      [
        /^layers\.(\d+)\.downsample\.(.*)$/,
        (stage, part) => merging(before ? Number(stage) : Number(stage) - 1, part),
      ],
      [/^layers\.(\d+)\.blocks\.(\d+)\.mlp\.fc1\.(.*)$/, (s, i, rest) => block(s, i, `mlp.0.${rest}`)],
      [/^layers\.(\d+)\.blocks\.(\d+)\.mlp\.fc2\.(.*)$/, (s, i, rest) => block(s, i, `mlp.3.${rest}`)],
      [
        /^layers\.(\d+)\.blocks\.(\d+)\.(norm[12]|attn)\.(.*)$/,
        (s, i, part, rest) => block(s, i, `${part}.${rest}`),
      ],
      [/^norm\.(.*)$/, (rest) => `norm.${rest}`],
      [/^head\.(?:fc\.)?(weight|bias)$/, (rest) => `head.${rest}`],
    ])
  },
}
