/**
 * timm's EfficientNet and MobileNet. It numbers blocks within stages and names a block's parts; torchvision numbers the parts
 * by their order, which depends on whether the block widens first and has squeeze-and-excitation.
 */
import { byRules, type Rule, type Translation } from './translation.js'

const BLOCK = /^blocks\.(\d+)\.(\d+)\.(.*)$/

/** What a block has, told by its other keys. */
function shapeOf(
  stage: string,
  index: string,
  all: ReadonlySet<string>,
): { widens: boolean; squeezes: boolean } {
  const has = (part: string): boolean => all.has(`blocks.${stage}.${index}.${part}.weight`)
  return { widens: has('conv_pwl'), squeezes: has('se.conv_reduce') }
}

/** Name within a block -> part (0 widening, 1 filter, 2 squeeze, 3 narrowing) and the name within the part. */
function partOf(name: string, widens: boolean): { part: number; rest: string } | null {
  const squeeze = /^se\.conv_(reduce|expand)\.(.*)$/.exec(name)
  if (squeeze !== null) return { part: 2, rest: `${squeeze[1] === 'reduce' ? 'fc1' : 'fc2'}.${squeeze[2]}` }
  const match = /^(conv_pw|conv_dw|conv_pwl|bn[123])\.(.*)$/.exec(name)
  if (match === null) return null
  const parts: Readonly<Record<string, readonly [number, number]>> = widens
    ? { conv_pw: [0, 0], bn1: [0, 1], conv_dw: [1, 0], bn2: [1, 1], conv_pwl: [3, 0], bn3: [3, 1] }
    : { conv_dw: [1, 0], bn1: [1, 1], conv_pw: [3, 0], bn2: [3, 1] }
  if (!Object.hasOwn(parts, match[1])) return null
  const [part, position] = parts[match[1]]
  return { part, rest: `${position}.${match[2]}` }
}

/** Key within torchvision's block: parts that a block lacks take no number. */
function inBlock(name: string, { widens, squeezes }: ReturnType<typeof shapeOf>): string | null {
  const found = partOf(name, widens)
  if (found === null) return null
  const missing = (widens ? 0 : 1) + (found.part > 2 && !squeezes ? 1 : 0)
  return `${found.part - missing}.${found.rest}`
}

/** Blocks of each stage by the keys of a checkpoint; worked out once for all keys of it. */
const counted = new WeakMap<ReadonlySet<string>, readonly number[]>()

function blocksOf(all: ReadonlySet<string>): readonly number[] {
  const known = counted.get(all)
  if (known !== undefined) return known
  const counts: number[] = []
  for (const key of all) {
    const match = BLOCK.exec(key)
    if (match === null) continue
    const [stage, index] = [Number(match[1]), Number(match[2])]
    counts[stage] = Math.max(counts[stage] ?? 0, index + 1)
  }
  counted.set(all, counts)
  return counts
}

/** Blocks in the stages before this one. */
function blocksBefore(stage: string, all: ReadonlySet<string>): number {
  return blocksOf(all)
    .slice(0, Number(stage))
    .reduce((sum, count) => sum + count, 0)
}

const head: readonly Rule[] = [
  [/^conv_stem\./, 'features.0.0.'],
  [/^bn1\./, 'features.0.1.'],
]

export const timmEfficientNet: Translation = {
  name: 'timm',
  backbones: /^efficientnet_/,
  key: (key, all) => {
    const match = BLOCK.exec(key)
    if (match === null) {
      return byRules(key, [
        ...head,
        [/^conv_head\./, 'features.8.0.'],
        [/^bn2\./, 'features.8.1.'],
        [/^classifier\./, 'classifier.1.'],
      ])
    }
    const [, stage, index, name] = match
    const inner = inBlock(name, shapeOf(stage, index, all))
    return inner === null ? null : `features.${Number(stage) + 1}.${index}.block.${inner}`
  },
}

/** torchvision's blocks stand one after the other; convolutions that nothing follows have no part of their own. */
export const timmMobileNetV2: Translation = {
  name: 'timm',
  backbones: /^mobilenet_v2$/,
  key: (key, all) => {
    const match = BLOCK.exec(key)
    if (match === null) {
      return byRules(key, [
        ...head,
        [/^conv_head\./, 'features.18.0.'],
        [/^bn2\./, 'features.18.1.'],
        [/^classifier\./, 'classifier.1.'],
      ])
    }
    const [, stage, index, name] = match
    const { widens } = shapeOf(stage, index, all)
    const inner = inBlock(name, { widens, squeezes: false })
    const last = widens ? 2 : 1
    const narrowing = inner === null ? null : new RegExp(`^${last}\\.([01])\\.(.*)$`).exec(inner)
    const place = narrowing === null ? inner : `${last + Number(narrowing[1])}.${narrowing[2]}`
    if (place === null) return null
    return `features.${blocksBefore(stage, all) + Number(index) + 1}.conv.${place}`
  },
}

export const timmMobileNetV3: Translation = {
  name: 'timm',
  backbones: /^mobilenet_v3_/,
  key: (key, all) => {
    const match = BLOCK.exec(key)
    if (match === null) {
      return byRules(key, [...head, [/^conv_head\./, 'classifier.0.'], [/^classifier\./, 'classifier.3.']])
    }
    const [, stage, index, name] = match
    const position = blocksBefore(stage, all) + Number(index) + 1
    // The last stage is one convolution.
    const alone = /^(conv|bn1)\.(.*)$/.exec(name)
    if (alone !== null && all.has(`blocks.${stage}.${index}.conv.weight`))
      return `features.${position}.${alone[1] === 'conv' ? 0 : 1}.${alone[2]}`
    const inner = inBlock(name, shapeOf(stage, index, all))
    return inner === null ? null : `features.${position}.block.${inner}`
  },
}
