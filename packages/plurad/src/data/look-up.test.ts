import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lookUp, occurring } from './look-up.js'

/** Longer than a band, and of lengths that are no multiple of what a turn takes. */
const lengths = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 131_060, max: 131_090 }))
const images = fc.tuple(lengths, fc.constantFrom(255, 65535), fc.integer({ min: 1, max: 65535 }))

function image(length: number, max: number, seed: number): Uint8Array | Uint16Array {
  const words = max === 255 ? new Uint8Array(length) : new Uint16Array(length)
  // Words that do not occur again elsewhere, so that one too many would be seen.
  return words.map((_, at) => Math.imul(at + seed, 2654435761) >>> (max === 255 ? 24 : 16))
}

describe('look-up', () => {
  it.each([true, false])('notes exactly the words that occur (WebAssembly: %s)', (inWebAssembly) => {
    occurring(Uint16Array.from({ length: 65536 }, (_, word) => word))
    fc.assert(
      fc.property(images, ([length, max, seed]) => {
        const words = image(length, max, seed)
        const found = occurring(words, inWebAssembly)
        const expected = new Set(words)
        expect(found).toHaveLength(65536)
        expect(new Set([...found.keys()].filter((word) => found[word] === 1))).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })

  it.each([true, false])('takes every word from the table (WebAssembly: %s)', (inWebAssembly) => {
    const table = Uint16Array.from({ length: 65536 }, (_, word) => 65535 - Math.imul(word, 40503))
    fc.assert(
      fc.property(images, ([length, max, seed]) => {
        const words = image(length, max, seed)
        const target = new Uint16Array(length)
        lookUp(words, table, target, inWebAssembly)
        expect(target.every((value, at) => value === table[words[at]])).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('may write over the words themselves', () => {
    const words = image(300_001, 65535, 1) as Uint16Array
    const before = words.slice()
    const table = Uint16Array.from({ length: 65536 }, (_, word) => word ^ 0x5555)
    lookUp(words, table, words)
    expect(words.every((value, at) => value === (before[at] ^ 0x5555))).toBe(true)
  })
})
