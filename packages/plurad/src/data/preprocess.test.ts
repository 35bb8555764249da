import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toGrey, type DecodedImage } from './image.js'
import { centreCrop, preprocess, preprocessToGrid } from './preprocess.js'
import { preprocessingWith } from './preprocessing.js'

/** Made by test/fixtures/resize/make.py. */
const fixture = new URL('../../test/fixtures/resize/resize.json', import.meta.url)
const { crop, luma } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  crop: {
    width: number
    height: number
    resizeTo: number
    size: number
    data: number[]
    expected: number[]
  }[]
  luma: { rgb: number[]; grey: number[] }
}

const grey = (width: number, height: number, data: number[]): DecodedImage => ({
  width,
  height,
  channels: 1,
  maxValue: 255,
  data: Uint8Array.from(data),
})

describe('preprocess', () => {
  it.each(crop)(
    "crop equals torchvision's Resize and CenterCrop: $width x $height to $resizeTo, $size",
    ({ width, height, data, size, resizeTo, expected }) => {
      const settings = preprocessingWith({ size, resize_to: resizeTo === size ? null : resizeTo })
      const result = preprocess(grey(width, height, data), settings)
      expect(result).toHaveLength(expected.length)
      // Half a step of the 16-bit grid is 7.6e-6.
      expected.forEach((value, at) => expect(Math.abs(result[at] - value)).toBeLessThan(1e-5))
    },
  )

  it('cuts the centre out of what it would be without cutting', () => {
    const noise = Array.from({ length: 31 * 18 }, (_, at) => (at * 83) % 256)
    for (const resize of ['crop', 'letterbox', 'stretch'] as const) {
      for (const [resizeTo, size] of [
        [16, 12],
        [17, 12],
        [18, 12],
        [19, 13],
        [24, 5],
      ] as const) {
        const whole = preprocessToGrid(grey(31, 18, noise), preprocessingWith({ size: resizeTo, resize }))
        const part = preprocessToGrid(
          grey(31, 18, noise),
          preprocessingWith({ size, resize, resize_to: resizeTo }),
        )
        expect([...part]).toEqual([...centreCrop(whole, resizeTo, size)])
      }
    }
  })

  it('clamps what bicubic weights make of an edge', () => {
    const edge = Array.from({ length: 64 }, (_, at) => (at % 8 < 4 ? 0 : 255))
    const grid = preprocessToGrid(grey(8, 8, edge), preprocessingWith({ size: 15, interpolation: 'bicubic' }))
    expect(grid[0]).toBe(0)
    expect(grid[14]).toBe(65535)
    // Beside the edge it undershoots and overshoots: without a clamp that would wrap round to the opposite.
    for (const column of [4, 5]) expect(grid[column]).toBeLessThan(6000)
    for (const column of [9, 10]) expect(grid[column]).toBeGreaterThan(59000)
  })

  it('leaves an image of the right size as it is, to the bit', () => {
    const image = grey(2, 2, [0, 1, 254, 255])
    for (const resize of ['crop', 'letterbox', 'stretch'] as const) {
      expect([...preprocessToGrid(image, preprocessingWith({ size: 2, resize }))]).toEqual([
        0,
        257,
        254 * 257,
        65535,
      ])
    }
    const deep: DecodedImage = { ...image, maxValue: 65535, data: Uint16Array.from([0, 1, 40000, 65535]) }
    expect([...preprocessToGrid(deep, preprocessingWith({ size: 2, channels: 1 }))]).toEqual([
      0, 1, 40000, 65535,
    ])
  })

  it('letterbox keeps the proportions, in the middle, on black', () => {
    const wide = preprocess(
      grey(4, 2, new Array<number>(8).fill(255)),
      preprocessingWith({ size: 4, channels: 1, resize: 'letterbox' }),
    )
    expect([...wide]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    const sliver = preprocess(
      grey(1, 100, new Array<number>(100).fill(255)),
      preprocessingWith({ size: 5, channels: 1, resize: 'letterbox' }),
    )
    expect(sliver.filter((value) => value > 0.999)).toHaveLength(5)
  })

  it('stretch fills the square', () => {
    const result = preprocess(
      grey(4, 2, [0, 0, 255, 255, 0, 0, 255, 255]),
      preprocessingWith({ size: 2, channels: 1, resize: 'stretch' }),
    )
    expect([...result].map((value) => Math.round(value * 6))).toEqual([1, 5, 1, 5])
  })

  it('goes between grey and colour as the model takes it', () => {
    const colour: DecodedImage = {
      width: luma.grey.length,
      height: 1,
      channels: 3,
      maxValue: 255,
      data: Uint8Array.from(luma.rgb),
    }
    expect([...toGrey(colour).data]).toEqual(luma.grey)
    const square: DecodedImage = { ...colour, width: 2, height: 2, data: colour.data.slice(0, 12) }
    const planes = preprocessToGrid(square, preprocessingWith({ size: 2, channels: 3 }))
    expect([...planes]).toEqual([0, 1, 2].flatMap((c) => [0, 1, 2, 3].map((p) => luma.rgb[p * 3 + c] * 257)))
    const tripled = preprocessToGrid(grey(2, 2, [1, 2, 3, 4]), preprocessingWith({ size: 2, channels: 3 }))
    expect([...tripled]).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4].map((value) => value * 257))
  })

  it('keeps 16-bit colour within range when it becomes grey', () => {
    const white: DecodedImage = {
      width: 1,
      height: 1,
      channels: 3,
      maxValue: 65535,
      data: Uint16Array.of(65535, 65535, 65535),
    }
    expect([...toGrey(white).data]).toEqual([65535])
    expect([...preprocessToGrid(white, preprocessingWith({ size: 3, channels: 1 }))]).toEqual(
      new Array(9).fill(65535),
    )
  })
})
