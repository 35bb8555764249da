import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { median, perceptualHashes } from './hash.js'

const file = fileURLToPath(new URL('../../../test/fixtures/inspect/hashes.json', import.meta.url))
const reference = JSON.parse(readFileSync(file, 'utf8')) as { thumbnails: string; bits: number[][] }
const thumbnails = Int8Array.from(Buffer.from(reference.thumbnails, 'base64'))

describe('perceptualHashes', () => {
  it("has scipy's bits: 64 lowest frequencies against their medians", () => {
    const { high, low } = perceptualHashes(thumbnails)
    reference.bits.forEach((bits, image) => {
      // Frequency f is the bit of part f mod 4, at f / 4.
      const found = bits.map((_, f) => {
        const word = f % 2 === 0 ? high[image] : low[image]
        return (word >>> (Math.floor(f / 4) + (f % 4 < 2 ? 0 : 16))) & 1
      })
      expect(found).toEqual(bits)
    })
  })

  it('divides the data set in halves by every bit', () => {
    const { high, low } = perceptualHashes(thumbnails)
    for (const words of [high, low]) {
      for (let bit = 0; bit < 32; bit++) {
        expect(words.reduce((sum, word) => sum + ((word >>> bit) & 1), 0)).toBe(6)
      }
    }
  })
})

describe('median', () => {
  it('is the middle, or the mean of the two in the middle', () => {
    expect(median(Float32Array.of(5, 1, 4))).toBe(4)
    expect(median(Float32Array.of(5, 1, 4, 2))).toBe(3)
    expect(median(Float32Array.of())).toBe(0)
  })
})
