/** Images that stand in a data set more than once: exact copies by hash, near ones by look. */
import { askImages, type ImageJobOptions } from '../inspect/image-jobs.js'
import type { FactsTable } from './facts-table.js'
import { perceptualHashes } from './hash.js'
import { correlation, Likeness } from './likeness.js'
import { nearPairs } from './near-pairs.js'
import type { Subject } from './subject.js'

/** Images that are one and the same picture, in rising order. */
export type Copies = readonly number[]

/** The same pixels. Empty images are alike for another reason and are left out. */
export function exactCopies(facts: FactsTable): Copies[] {
  const byDigest = new Map<string, number[]>()
  facts.digests.forEach((digest, image) => {
    if (digest === '' || facts.isEmpty(image)) return
    const before = byDigest.get(digest)
    if (before === undefined) byDigest.set(digest, [image])
    else before.push(image)
  })
  return [...byDigest.values()].filter((images) => images.length > 1)
}

/** Few enough to compare each with each; their medians would depend on single images. */
const COMPARE_ALL = 256

/** Of images with the same 64 bits, each is compared with so many before it: there are never so many real copies. */
const MOST_EQUAL = 32

/** Pairs whose details are compared, the most alike first: each costs two images to be read again. */
const MOST_PAIRS = 5000

/** Shorter side from which on 64 x 64 details are all there, also in a copy of half the size. */
const DETAILED = 96

/**
 * From what agreement of details on two images are copies. Re-encoding, resizing, other contrast and noise leave more;
 * of all pairs of different patients' images that were looked at (chest radiographs, fundus photographs) none has as
 * much. See docs/data.md.
 */
const COPIED = { 32: 0.965, 64: 0.8 } as const

export interface NearCopies {
  groups: Copies[]
  /** Pairs that looked alike but were too many to be compared in detail. */
  notCompared: number
}

/**
 * Near copies that matter: of different patients, of rows without a patient, or in different splits. Images of one
 * patient in one split may well look alike.
 *
 * @throws PluradError where a reading thread dies
 */
export async function nearCopies(
  subject: Subject,
  facts: FactsTable,
  options: ImageJobOptions,
): Promise<NearCopies> {
  const pairs = alikePairs(subject, facts)
  const compared = pairs.slice(0, MOST_PAIRS)
  const copies = await sameDetails(subject, facts, compared, options)
  return { groups: joined(copies), notCompared: pairs.length - compared.length }
}

interface Pair {
  first: number
  second: number
  likeness: number
}

/** Pairs that look alike at 16 x 16, the most alike first; exact copies are found otherwise. */
function alikePairs(subject: Subject, facts: FactsTable): Pair[] {
  const { images, thumbnails } = facts.shown
  const likeness = new Likeness(thumbnails)
  const pairs: Pair[] = []
  const consider = (a: number, b: number): void => {
    const [first, second] = [images[a], images[b]]
    if (facts.digests[first] === facts.digests[second] || !mustNotBeCopies(subject, first, second)) return
    const alike = likeness.between(a, b)
    if (alike >= likeness.threshold) pairs.push({ first, second, likeness: alike })
  }
  if (images.length <= COMPARE_ALL) {
    for (let b = 1; b < images.length; b++) for (let a = 0; a < b; a++) consider(a, b)
  } else {
    hashedPairs(thumbnails, consider)
  }
  return pairs.sort((a, b) => b.likeness - a.likeness || a.first - b.first || a.second - b.second)
}

/** Pairs of rows of thumbnails whose hashes are near. */
function hashedPairs(thumbnails: Int8Array, onPair: (a: number, b: number) => void): void {
  const { high, low } = perceptualHashes(thumbnails)
  const equal = new Map<bigint, number[]>()
  high.forEach((word, row) => {
    const key = (BigInt(word) << 32n) | BigInt(low[row])
    const rows = equal.get(key)
    if (rows === undefined) equal.set(key, [row])
    else rows.push(row)
  })
  const groups = [...equal.values()]
  const first = Uint32Array.from(groups, ([row]) => row)
  for (const rows of groups) {
    rows.forEach((b, at) => rows.slice(Math.max(0, at - MOST_EQUAL), at).forEach((a) => onPair(a, b)))
  }
  const distinct = { high: first.map((row) => high[row]), low: first.map((row) => low[row]) }
  nearPairs(distinct, (one, other) => {
    for (const a of groups[one].slice(0, MOST_EQUAL)) {
      for (const b of groups[other].slice(0, MOST_EQUAL)) onPair(Math.min(a, b), Math.max(a, b))
    }
  })
}

/** Whether a split could part them, or has. */
function mustNotBeCopies(subject: Subject, first: number, second: number): boolean {
  if (subject.images[first].row === subject.images[second].row) return false
  const patient = subject.patient(first)
  return (
    patient === null || patient !== subject.patient(second) || subject.split(first) !== subject.split(second)
  )
}

async function sameDetails(
  subject: Subject,
  facts: FactsTable,
  pairs: readonly Pair[],
  options: ImageJobOptions,
): Promise<Pair[]> {
  const sizeOf = ({ first, second }: Pair): 32 | 64 =>
    Math.min(facts.shorter[first], facts.shorter[second]) >= DETAILED ? 64 : 32
  const copies: Pair[] = []
  for (const size of [32, 64] as const) {
    const ofSize = pairs.filter((pair) => sizeOf(pair) === size)
    const images = [...new Set(ofSize.flatMap(({ first, second }) => [first, second]))].sort((a, b) => a - b)
    const details = new Map<number, Int8Array>()
    const references = images.map((image) => subject.images[image].reference)
    await askImages(`detail${size}`, references, options, (index, answer) => {
      if ('value' in answer) details.set(images[index], answer.value)
    })
    for (const pair of ofSize) {
      const [a, b] = [details.get(pair.first), details.get(pair.second)]
      if (a !== undefined && b !== undefined && correlation(a, b) >= COPIED[size]) copies.push(pair)
    }
  }
  return copies
}

/** Groups of images that are linked by pairs, each in rising order, by their first image. */
function joined(pairs: readonly Pair[]): Copies[] {
  const parent = new Map<number, number>()
  const root = (image: number): number => {
    let at = image
    for (let next = parent.get(at); next !== undefined && next !== at; next = parent.get(at)) at = next
    return at
  }
  for (const { first, second } of pairs) {
    const [a, b] = [root(first), root(second)]
    for (const image of [first, second, a, b]) if (!parent.has(image)) parent.set(image, image)
    parent.set(Math.max(a, b), Math.min(a, b))
  }
  const groups = new Map<number, number[]>()
  for (const image of [...parent.keys()].sort((a, b) => a - b)) {
    const of = groups.get(root(image))
    if (of === undefined) groups.set(root(image), [image])
    else of.push(image)
  }
  return [...groups.values()]
}
