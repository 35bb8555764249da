import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecodedImage } from './image.js'
import { loadImage } from './load-image.js'
import { preprocessingWith } from './preprocessing.js'
import { applyRange, rangeWarning } from './value-range.js'

/** A 16-bit file of one row. */
const deep = (values: readonly number[]): DecodedImage => ({
  width: values.length,
  height: 1,
  channels: 1,
  maxValue: 65535,
  data: Uint16Array.from(values),
  asStored: true,
})

const image8 = (width: number, height: number, pixel: (x: number, y: number) => number): DecodedImage => ({
  width,
  height,
  channels: 1,
  maxValue: 255,
  data: Uint8Array.from({ length: width * height }, (_, at) => pixel(at % width, Math.floor(at / width))),
})

/** Values 0 to 62,000 in even steps. */
const ramp = Array.from({ length: 63 }, (_, index) => index * 1000)

describe('applyRange', () => {
  it('makes the greatest value of so many bits white', () => {
    const { data, warning } = applyRange(deep([0, 1, 2048, 4095]), { bits: 12 })
    expect([...data]).toEqual([0, 16, 32776, 65535])
    expect(warning).toBeUndefined()
    expect([...applyRange(deep([0, 300, 1023]), { bits: 10 }).data]).toEqual([0, 19218, 65535])
  })

  it('clips larger values and says how many there were', () => {
    const image = deep([100, 4095, 4096, 65535, 7, 9])
    const { data, warning } = applyRange(image, { bits: 12 })
    expect([...data.subarray(1, 4)]).toEqual([65535, 65535, 65535])
    expect(warning).toBe(
      '2 of its 6 values are above 4095, the most of 12 bits (data.bits), and became white',
    )
    expect([...image.data]).toEqual([100, 4095, 4096, 65535, 7, 9])
  })

  it('is rounding of value / (2^bits - 1) to multiples of 1/65535', () => {
    const images = fc.array(fc.nat({ max: 65535 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(images, fc.integer({ min: 8, max: 16 }), (values, bits) => {
        const { data } = applyRange(deep(values), { bits })
        values.forEach((value, at) => {
          const wanted = Math.min(1, value / (2 ** bits - 1))
          expect(Math.abs(data[at] / 65535 - wanted)).toBeLessThanOrEqual(0.5001 / 65535)
        })
      }),
    )
  })

  it('leaves images of 8 bits, those that went through a window, and all where no bits are given', () => {
    const windowed = { ...deep(ramp), asStored: false }
    const small = image8(16, 16, (x, y) => x * y)
    for (const image of [windowed, small]) expect(applyRange(image, { bits: 12 })).toEqual(image)
    expect(applyRange(deep(ramp), { bits: null })).toEqual(deep(ramp))
  })

  it('keeps the warning that an image has', () => {
    const image = { ...image8(8, 8, () => 9), warning: 'the camera was turned' }
    expect(applyRange(image, { bits: null }).warning).toBe(
      'the camera was turned; every pixel has the same value (9 of 255)',
    )
  })
})

describe('rangeWarning', () => {
  it('names 12-bit values in a 16-bit file, unless the bits are given', () => {
    expect(rangeWarning(deep(ramp))).toBeNull()
    const dark = deep(ramp.map((value) => Math.round(value / 16)))
    expect(rangeWarning(dark)).toMatch(/largest value is 3875 of 65535.*12-bit.*set data\.bits to 12/)
    expect(rangeWarning(deep(ramp.map((value) => Math.round(value / 64))))).toContain('set data.bits to 10')
    expect(applyRange(dark, { bits: 12 }).warning).toBeUndefined()
    expect(rangeWarning({ ...dark, asStored: false })).toBeNull()
  })

  it('looks at all of an image before it says that nothing is bright', () => {
    // One bright pixel in a million, and one value that differs in as many.
    const data = new Uint16Array(1_000_000).map((_, at) => at % 4000)
    const image = { ...deep([]), width: 1000, height: 1000, data }
    expect(rangeWarning(image)).toContain('largest value is 3999')
    data[123_457] = 60_000
    expect(rangeWarning(image)).toBeNull()
    const flat = new Uint16Array(1_000_000).fill(30_000)
    expect(rangeWarning({ ...image, data: flat })).toContain('same value (30000 of 65535)')
    flat[123_457] = 0
    expect(rangeWarning({ ...image, data: flat })).toBeNull()
  })

  it('names images that are nearly all black, white or both, and no others', () => {
    const [width, height] = [512, 512]
    const share = (fraction: number, low: number, high: number, middle: number) =>
      rangeWarning(
        image8(width, height, (x, y) => {
          const at = ((x * 7919 + y * 104_729) % 1000) / 1000
          return at < fraction ? (at * 2 < fraction ? low : high) : middle
        }),
      )
    expect(share(0.995, 0, 1, 128)).toMatch(/^99\.\d % of its pixels are black/)
    expect(share(0.995, 255, 254, 128)).toMatch(/^99\.\d % of its pixels are white/)
    expect(share(0.999, 0, 255, 128)).toMatch(/% of its pixels are black or white/)
    // A radiograph that is collimated to a tenth of the plate is dark but right.
    expect(share(0.9, 0, 1, 128)).toBeNull()
    expect(share(0.99, 0, 255, 128)).toBeNull()
  })

  it('samples over the whole width, whatever the width', () => {
    for (const width of [256, 1000, 1024, 2048, 3000]) {
      // Nearly all black but for a bright band of columns.
      const image = image8(width, 1024, (x) => (x > width * 0.4 && x < width * 0.5 ? 200 - (x % 3) : 0))
      expect(rangeWarning(image)).toBeNull()
    }
  })
})

describe('loadImage', () => {
  const file = (name: string) =>
    fileURLToPath(new URL(`../../test/fixtures/data/images/${name}`, import.meta.url))

  it('applies the bits of the preprocessing and passes warnings on', async () => {
    const settings = preprocessingWith({ size: 32, bits: 15 })
    const image = await loadImage(file('grey16.png'), settings)
    expect('warning' in image && image.warning).toMatch(/of its 117 values are above 32767/)
    expect(await loadImage(file('grey8.png'), settings)).not.toHaveProperty('warning')
    const turned = await loadImage(file('orientation.jpg'), settings)
    expect('warning' in turned && turned.warning).toContain('EXIF')
  })
})
