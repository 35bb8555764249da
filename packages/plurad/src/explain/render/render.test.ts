import { describe, expect, test } from 'vitest'
import { decodeImageBytes } from '../../data/formats/decode.js'
import type { DecodedImage } from '../../data/image.js'
import { Placement } from '../placement.js'
import { blended, infernoAt } from './colour-map.js'
import { asNpy, asPng16 } from './raw.js'
import { evidenceOf, topOf } from './scale.js'
import { drawSheet, shortNumber } from './sheet.js'

/** Lightness L* of CIELAB, 0 to 100, of an sRGB colour. */
function lightness(colour: readonly number[]): number {
  const [r, g, b] = colour.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y
}

describe('colours', () => {
  test("are those of matplotlib's table to 2 hundredths", () => {
    // Entries 0, 128 and 255 of matplotlib.cm.inferno.
    const table = [
      [0, 0.001462, 0.000466, 0.013866],
      [128 / 255, 0.735683, 0.215906, 0.330245],
      [1, 0.988362, 0.998364, 0.644924],
    ]
    for (const [at, ...colour] of table)
      infernoAt(at).forEach((value, channel) => expect(Math.abs(value - colour[channel])).toBeLessThan(0.02))
  })

  test('grow lighter in equal steps', () => {
    const steps = Array.from(
      { length: 32 },
      (_, i) => lightness(infernoAt((i + 1) / 32)) - lightness(infernoAt(i / 32)),
    )
    expect(Math.min(...steps)).toBeGreaterThan(1)
    expect(Math.max(...steps.slice(2))).toBeLessThan(1.6 * Math.min(...steps.slice(2)))
  })

  test('leave the picture alone where nothing speaks for the label or nothing was seen', () => {
    for (const value of [0, -1, NaN]) expect(blended([0.2, 0.3, 0.4], value)).toEqual([0.2, 0.3, 0.4])
    expect(blended([0, 0, 0], 1)[0]).toBeGreaterThan(0.6)
  })
})

const image: DecodedImage = {
  width: 40,
  height: 20,
  channels: 1,
  maxValue: 255,
  data: new Uint8Array(800).fill(128),
}
const crop = new Placement(40, 20, { size: 32, resize: 'crop', resize_to: null })

describe('numbers in files', () => {
  test('npy holds them on their own grid', async () => {
    const file = asNpy({ shape: [2, 3], values: Float32Array.of(0, 1, 2, 3, 4, -5.5) })
    expect(file.length % 4).toBe(0)
    // As numpy.save writes it: version 1.0, the header padded with spaces to 128 bytes, a line feed at its end.
    expect([...file.subarray(0, 10)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0x76, 0])
    const header = Buffer.from(file.subarray(10, 128)).toString('latin1')
    expect(header).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117) + '\n')
    expect([...new Float32Array(file.slice(128).buffer)]).toEqual([0, 1, 2, 3, 4, -5.5])
    // Read back by the toolkit's own reader of arrays.
    const read = await decodeImageBytes(file, 'heat.npy')
    expect([read.width, read.height]).toEqual([3, 2])
  })

  test('png16 has the size of the image, 65535 for the top, 0 outside of what was seen', async () => {
    const heatmap = { shape: [1, 2], values: Float32Array.of(1, 2) }
    const read = await decodeImageBytes(await asPng16(heatmap, crop, 2), 'heat.png')
    expect(read).toMatchObject({ width: 40, height: 20, channels: 1, maxValue: 65535 })
    const row = Array.from(read.data.subarray(0, 40))
    expect(row[0]).toBe(0)
    expect(row[9]).toBe(0)
    expect(row[10]).toBe(Math.round(65535 / 2))
    expect(row[29]).toBe(65535)
    expect(row[30]).toBe(0)
  })
})

test('the scale of values a pixel is not set by single pixels', () => {
  const values = new Float32Array(100 * 100).fill(0.1)
  values[5050] = 1000
  values[1] = -7
  const map = { shape: [100, 100], values }
  expect(topOf([evidenceOf(map, 'map')], 'map')).toBe(1000)
  const evidence = evidenceOf(map, 'pixels')
  expect(topOf([evidence], 'pixels')).toBeLessThan(60)
  expect(Math.min(...evidence.values)).toBeGreaterThanOrEqual(0)
})

test('a sheet holds the image and one panel a label, all of one size, in rows', async () => {
  const bright = { shape: [1, 2], values: Float32Array.of(0, 2) }
  const dim = { shape: [1, 2], values: Float32Array.of(0, 0) }
  const panels = [bright, dim].map((evidence, i) => ({
    title: `Label <${i}> & more`,
    evidence,
    top: 2,
    boxes: i === 0 ? [{ x: 20, y: 4, width: 8, height: 8 }] : [],
  }))
  const options = { title: 'a', caption: 'CAM', top: 2, side: 200, columns: 2 }
  const sheet = await decodeImageBytes(await drawSheet(image, crop, panels, options), 'sheet.png')
  // Two columns of 200 and three gaps of 12; two rows of 100 with titles, gaps and the legend.
  expect([sheet.width, sheet.height]).toEqual([436, 2 * (100 + 26 + 12) + 12 + 58])
  const at = (x: number, y: number): number[] => [
    ...sheet.data.subarray(3 * (y * sheet.width + x)).subarray(0, 3),
  ]
  const [left, top] = [12 + 212, 12 + 26]
  // Under the heatmap: bright on the right of what was seen, the picture as it was in the part cut away and on the left.
  expect(at(left + 195, top + 80)).toEqual([128, 128, 128])
  expect(at(left + 60, top + 80)).toEqual([128, 128, 128])
  expect(at(left + 140, top + 80)[0]).toBeGreaterThan(at(left + 140, top + 80)[2] + 30)
  // The second label has nothing: its panel, in the next row, is the picture alone.
  expect(at(12 + 140, top + 138 + 80)).toEqual([128, 128, 128])
  // The box, in its colour.
  expect(at(left + 100, top + 40)[2]).toBeGreaterThan(200)
})

test('numbers on the scale have two digits', () => {
  expect([0.01234, 1.26, 345].map(shortNumber)).toEqual(['0.012', '1.3', '350'])
})
