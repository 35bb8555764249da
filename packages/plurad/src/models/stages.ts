/**
 * How deep in a backbone a weight stands: its stage, for freezing and for learning rates that fall with depth. Stage 0 is what
 * comes before the first stage of blocks (stem, patches, positions); a stage ends where the map becomes smaller, and in ViT
 * after every third of the blocks.
 */

/** A pattern of keys and their stage. */
type StageRule = readonly [RegExp, number | ((...groups: string[]) => number)]

/** Positions in `features` at which each stage after the first begins. */
const starts =
  (...positions: readonly number[]) =>
  (position: string): number =>
    positions.filter((start) => Number(position) >= start).length

const FEATURES = /^features\.(\d+)\./

const families: readonly (readonly [RegExp, readonly StageRule[]])[] = [
  [
    /^resnet/,
    [
      [/^(conv1|bn1)\./, 0],
      [/^layer(\d)\./, Number],
    ],
  ],
  [
    /^densenet/,
    [
      [/^features\.(conv0|norm0)\./, 0],
      [/^features\.(?:denseblock|transition)(\d)\./, Number],
      [/^features\.norm5\./, 4],
    ],
  ],
  [/^vgg16$/, [[FEATURES, starts(0, 5, 10, 17, 24)]]],
  [/^vgg16_bn$/, [[FEATURES, starts(0, 7, 14, 24, 34)]]],
  [/^vgg19$/, [[FEATURES, starts(0, 5, 10, 19, 28)]]],
  [/^vgg19_bn$/, [[FEATURES, starts(0, 7, 14, 27, 40)]]],
  [/^mobilenet_v2$/, [[FEATURES, starts(1, 2, 4, 7, 14)]]],
  [/^mobilenet_v3_large$/, [[FEATURES, starts(1, 2, 4, 7, 13)]]],
  [/^mobilenet_v3_small$/, [[FEATURES, starts(1, 2, 4, 9)]]],
  [/^efficientnet/, [[FEATURES, starts(1, 2, 3, 4, 6)]]],
  [
    /^inception_/,
    [
      [/^conv2d_7b\./, 3],
      [/^conv2d_/i, 0],
      [/^(?:mixed_5|repeat\.)/i, 1],
      [/^(?:mixed_6|repeat_1\.)/i, 2],
      [/^(?:mixed_7|repeat_2\.|block8\.)/i, 3],
    ],
  ],
  [
    /^(convnext|swin)_/,
    [
      [FEATURES, (position) => Math.ceil(Number(position) / 2)],
      [/^norm\./, 4],
    ],
  ],
  [
    /^vit_/,
    [
      [/^(class_token|conv_proj\.|encoder\.pos_embedding)/, 0],
      [/^encoder\.layers\.encoder_layer_(\d+)\./, (block) => 1 + Math.floor(Number(block) / 4)],
      [/^encoder\.ln\./, 3],
    ],
  ],
  [/^guita_(cnn|vgg)/, [[FEATURES, (position) => Number(position) + 1]]],
  [/^guita_lstm/, [[/^lstm\./, 1]]],
]

/** Blocks of transformers, which are the steps in which learning rates fall there. */
const BLOCK = /^(?:encoder\.layers\.encoder_layer_\d+|features\.\d*[13579]\.\d+)\./

/**
 * @param key of a parameter or buffer, within the backbone
 * @returns 0 for what comes before the first stage; null for a key that no rule knows
 */
export function stageOf(backbone: string, key: string): number | null {
  const rules = families.find(([names]) => names.test(backbone))?.[1] ?? []
  for (const [pattern, stage] of rules) {
    const match = pattern.exec(key)
    if (match !== null) return typeof stage === 'number' ? stage : stage(...match.slice(1))
  }
  return null
}

/**
 * Steps from the pixels in which learning rates fall: blocks in transformers, stages in other networks. The keys are in the
 * order of the network.
 *
 * @returns the step of each key, and how many there are
 */
export function depthsOf(
  backbone: string,
  keys: readonly string[],
): { depths: Map<string, number>; count: number } {
  const byBlock = /^(vit|swin)_/.test(backbone)
  const depths = new Map<string, number>()
  const blocks: string[] = []
  let deepest = 0
  for (const key of keys) {
    const stage = stageOf(backbone, key) ?? 0
    const block = BLOCK.exec(key)?.[0]
    if (byBlock && block !== undefined && !blocks.includes(block)) blocks.push(block)
    const depth =
      !byBlock || stage === 0 ? stage : block === undefined ? blocks.length : blocks.indexOf(block) + 1
    depths.set(key, depth)
    deepest = Math.max(deepest, depth)
  }
  return { depths, count: deepest + 1 }
}
