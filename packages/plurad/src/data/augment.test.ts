import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { augment } from './augment.js'
import { Random } from './random.js'

const image = (size: number): Float32Array => Float32Array.from({ length: size * size }, (_, i) => i)
const apply = (seed: number, options: Parameters<typeof augment>[2], size = 5): number[] => {
  const pixels = image(size)
  augment(pixels, size, options, new Random(seed))
  return [...pixels]
}

describe('augment', () => {
  test('does nothing where nothing is asked for', () => {
    expect(apply(1, { horizontalFlip: false, randomShift: 0 })).toEqual([...image(5)])
  })

  test('mirrors about half of the images, left and right', () => {
    const results = Array.from({ length: 400 }, (_, seed) =>
      apply(seed, { horizontalFlip: true, randomShift: 0 }),
    )
    const mirrored = results.filter((pixels) => pixels[0] === 4)
    expect(mirrored.length).toBeGreaterThan(160)
    expect(mirrored.length).toBeLessThan(240)
    expect(mirrored[0].slice(0, 10)).toEqual([4, 3, 2, 1, 0, 9, 8, 7, 6, 5])
  })

  test('shifts by up to the limit in each direction, with edge pixels in the gap', () => {
    const size = 7
    const seen = new Set<string>()
    for (let seed = 0; seed < 500; seed++) {
      const pixels = apply(seed, { horizontalFlip: false, randomShift: 2 }, size)
      const centre = pixels[3 * size + 3]
      const [dx, dy] = [(centre % size) - 3, Math.floor(centre / size) - 3]
      seen.add(`${dx},${dy}`)
      pixels.forEach((value, i) => {
        const clamp = (v: number): number => Math.min(Math.max(v, 0), size - 1)
        expect(value).toBe(clamp(Math.floor(i / size) + dy) * size + clamp((i % size) + dx))
      })
    }
    expect(seen.size).toBe(25)
  })

  test('the same seed gives the same image', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const options = { horizontalFlip: true, randomShift: 3 }
        expect(apply(seed, options)).toEqual(apply(seed, options))
      }),
    )
  })
})
