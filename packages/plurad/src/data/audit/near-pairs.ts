import type { Hashes } from './hash.js'

const PARTS = 4
const PART_BITS = 16
const PART_MASK = 2 ** PART_BITS - 1
const BUCKETS = 2 ** PART_BITS

/** With so many different bits over four parts, one part has at most one of them. */
const MOST_BITS = 7

/**
 * All pairs of hashes that differ in at most 7 bits (multi-index hashing: Norouzi et al., Fast Search in Hamming Space
 * with Multi-Index Hashing, CVPR 2012). Some part of 16 bits differs in one bit at most, so it is enough to put the hashes
 * into buckets by each part in turn and to compare within buckets and between those one bit apart. Linear in the number
 * of hashes where they are spread; equal ones are to be put together before.
 *
 * @param onPair each pair once, in an order that depends on the hashes alone
 */
export function nearPairs({ high, low }: Hashes, onPair: (one: number, other: number) => void): void {
  for (let part = 0; part < PARTS; part++) {
    const { starts, order } = buckets(part < 2 ? high : low, part % 2 === 0 ? 0 : PART_BITS)
    // In the order of the buckets, so that memory is read from front to back.
    const sortedHigh = order.map((index) => high[index])
    const sortedLow = order.map((index) => low[index])
    const compare = (at: number, first: number, end: number): void => {
      const [a, b] = [sortedHigh[at], sortedLow[at]]
      for (let other = first; other < end; other++) {
        const x = a ^ sortedHigh[other]
        const y = b ^ sortedLow[other]
        if (ones(x) + ones(y) > MOST_BITS || foundBefore(part, x, y)) continue
        onPair(order[at], order[other])
      }
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const end = starts[bucket + 1]
      for (let at = starts[bucket]; at < end; at++) {
        compare(at, at + 1, end)
        for (let bit = 1; bit < BUCKETS; bit <<= 1) {
          // The pair of buckets comes up again from its other side, where this bit is set.
          if ((bucket & bit) === 0) compare(at, starts[bucket | bit], starts[(bucket | bit) + 1])
        }
      }
    }
  }
}

/** Whether an earlier part has led to the pair already; `x` and `y` are the different bits, parts 0 and 1, 2 and 3. */
function foundBefore(part: number, x: number, y: number): boolean {
  return (
    (part > 0 && ones(x & PART_MASK) <= 1) ||
    (part > 1 && ones(x >>> PART_BITS) <= 1) ||
    (part > 2 && ones(y & PART_MASK) <= 1)
  )
}

/** Counting sort: the members of bucket b are `order[starts[b]]` to `order[starts[b + 1] - 1]`, rising. */
function buckets(words: Uint32Array, shift: number): { starts: Uint32Array; order: Uint32Array } {
  const starts = new Uint32Array(BUCKETS + 1)
  for (const word of words) starts[((word >>> shift) & PART_MASK) + 1]++
  for (let bucket = 0; bucket < BUCKETS; bucket++) starts[bucket + 1] += starts[bucket]
  const next = starts.slice()
  const order = new Uint32Array(words.length)
  words.forEach((word, index) => (order[next[(word >>> shift) & PART_MASK]++] = index))
  return { starts, order }
}

/** Bits that are set in 32. */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
