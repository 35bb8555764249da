import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import type { Hashes } from './hash.js'
import { nearPairs } from './near-pairs.js'

function found(hashes: Hashes): string[] {
  const pairs: string[] = []
  nearPairs(hashes, (a, b) => pairs.push(`${Math.min(a, b)} ${Math.max(a, b)}`))
  return pairs.sort()
}

/** All with all. */
function expected({ high, low }: Hashes): string[] {
  const ones = (word: number) => word.toString(2).replaceAll('0', '').length
  const pairs: string[] = []
  high.forEach((_, b) => {
    for (let a = 0; a < b; a++) {
      if (ones((high[a] ^ high[b]) >>> 0) + ones((low[a] ^ low[b]) >>> 0) <= 7) pairs.push(`${a} ${b}`)
    }
  })
  return pairs.sort()
}

/** Families of hashes that differ in up to ten bits from their first, as copies and lookalikes do. */
function families(seed: number, count: number, size: number): Hashes {
  const random = new Random(seed)
  const word = () => Math.floor(random.next() * 2 ** 32)
  const hashes = { high: new Uint32Array(count * size), low: new Uint32Array(count * size) }
  for (let at = 0, family = 0; family < count; family++) {
    const [high, low] = [word(), word()]
    for (let member = 0; member < size; member++, at++) {
      hashes.high[at] = high
      hashes.low[at] = low
      for (let flips = random.integer(11); flips > 0; flips--) {
        const words = random.chance(0.5) ? hashes.high : hashes.low
        words[at] ^= 1 << random.integer(32)
      }
    }
  }
  return hashes
}

describe('nearPairs', () => {
  it('finds each pair of at most 7 different bits once, and no other', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 8 }), (seed, size) => {
        const hashes = families(seed, Math.ceil(60 / size), size)
        expect(found(hashes)).toEqual(expected(hashes))
      }),
      { numRuns: 60 },
    )
  })

  it('finds what is hardest to find: two bits different in three parts and one in the last', () => {
    const hashes = { high: Uint32Array.of(0, 0x00030003), low: Uint32Array.of(0, 0x80000003) }
    expect(found(hashes)).toEqual(['0 1'])
    const further = { high: Uint32Array.of(0, 0x00030003), low: Uint32Array.of(0, 0x80010003) }
    expect(found(further)).toEqual([])
  })

  it('finds the few pairs among many', () => {
    const { high, low } = families(4, 60_000, 1)
    for (const [at, from] of [
      [59_999, 5],
      [700, 40_000],
    ]) {
      high[at] = high[from] ^ 0x10001
      low[at] = low[from] ^ 0x80000001
    }
    expect(found({ high, low })).toEqual(['5 59999', '700 40000'])
  })
})
