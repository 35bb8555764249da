/** Heatmaps and boxes meet the pixels that preprocessing shows the model, whatever it cuts away or adds. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DecodedImage } from '../data/image.js'
import { preprocess } from '../data/preprocess.js'
import { preprocessingWith, type Preprocessing } from '../data/preprocessing.js'
import { ontoSquare, Placement, valueAt } from './placement.js'

const sides = fc.integer({ min: 40, max: 400 })
const rules = fc
  .record({
    resize: fc.constantFrom('crop' as const, 'letterbox' as const, 'stretch' as const),
    size: fc.constantFrom(32, 64, 96),
    more: fc.constantFrom(null, 16, 33),
  })
  .map(({ more, size, resize }): Pick<Preprocessing, 'size' | 'resize' | 'resize_to'> => ({
    size,
    resize,
    resize_to: more === null ? null : size + more,
  }))

test('a bright disc is where the placement says', () => {
  fc.assert(
    fc.property(
      sides,
      sides,
      rules,
      fc.double({ min: 0.3, max: 0.7, noNaN: true }),
      (width, height, rule, share) => {
        // Well inside of what any crop leaves.
        const [x, y] = [width / 2 + (share - 0.5) * 20, height / 2 - (share - 0.5) * 20]
        const radius = 0.08 * Math.min(width, height)
        const data = new Uint8Array(width * height)
        for (let row = 0; row < height; row++)
          for (let column = 0; column < width; column++)
            if (Math.hypot(column + 0.5 - x, row + 0.5 - y) < radius) data[row * width + column] = 255
        const image: DecodedImage = { width, height, channels: 1, maxValue: 255, data }
        const pixels = preprocess(image, preprocessingWith(rule))
        const { size } = rule
        let [sum, column, row] = [0, 0, 0]
        pixels.forEach((value, at) => {
          sum += value
          column += value * ((at % size) + 0.5)
          row += value * (Math.floor(at / size) + 0.5)
        })
        const placement = new Placement(width, height, rule)
        const [px, py] = placement.pointToSquare(x, y)
        const scale = size / Math.min(width, height)
        // The disc's own raster is half a pixel coarse, and sizes are rounded to whole pixels.
        expect(Math.abs(column / sum - px)).toBeLessThan(0.6 * scale + 0.6)
        expect(Math.abs(row / sum - py)).toBeLessThan(0.6 * scale + 0.6)
      },
    ),
    { numRuns: 60 },
  )
})

test('boxes go to the square and back', () => {
  fc.assert(
    fc.property(sides, sides, rules, (width, height, rule) => {
      const placement = new Placement(width, height, rule)
      const box = { x: 3.5, y: 7.25, width: 11, height: 20.5 }
      const back = placement.toImage(placement.toSquare(box))
      for (const key of ['x', 'y', 'width', 'height'] as const) expect(back[key]).toBeCloseTo(box[key], 9)
    }),
  )
})

describe('by hand', () => {
  test('a crop sees the middle, a letterbox all of it, a stretch all of it', () => {
    // 200 x 100: the shorter side becomes 50, half of the longer one is cut away.
    const crop = new Placement(200, 100, { size: 50, resize: 'crop', resize_to: null })
    expect(crop.seen).toEqual({ x: 50, y: 0, width: 100, height: 100 })
    expect(crop.toSquare({ x: 60, y: 10, width: 20, height: 40 })).toEqual({
      x: 5,
      y: 5,
      width: 10,
      height: 20,
    })
    const box = new Placement(200, 100, { size: 50, resize: 'letterbox', resize_to: null })
    expect(box.seen).toEqual({ x: 0, y: 0, width: 200, height: 100 })
    expect(box.filled).toEqual({ x: 0, y: 12, width: 50, height: 25 })
    expect(box.toImage({ x: 0, y: 0, width: 50, height: 50 })).toEqual({
      x: 0,
      y: -48,
      width: 200,
      height: 200,
    })
    const stretch = new Placement(200, 100, { size: 50, resize: 'stretch', resize_to: null })
    expect(stretch.toSquare({ x: 100, y: 50, width: 100, height: 50 })).toEqual({
      x: 25,
      y: 25,
      width: 25,
      height: 25,
    })
  })

  test('values between the middles of positions, and nothing where nothing was seen', () => {
    const heatmap = { shape: [1, 2], values: Float32Array.of(0, 4) }
    // Middles at a quarter and three quarters.
    expect([0, 0.25, 0.5, 0.625, 0.75, 1].map((x) => valueAt(heatmap, x, 0.5))).toEqual([0, 0, 2, 3, 4, 4])
    const crop = new Placement(4, 2, { size: 2, resize: 'crop', resize_to: null })
    expect([...crop.ontoImage(heatmap, 4, 1)]).toEqual([NaN, 0, 4, NaN])
    expect([...ontoSquare(heatmap, 4).values.subarray(0, 4)]).toEqual([0, 1, 3, 4])
  })
})
