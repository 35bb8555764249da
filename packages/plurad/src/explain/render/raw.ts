/** Heatmaps as files of numbers. */
import { quantileOf, type Heatmap } from '../heatmap.js'
import type { Placement } from '../placement.js'

/** A NumPy array of single precision, `numpy.load`: the method's own values on its own grid. NPY format 1.0. */
export function asNpy({ shape, values }: Heatmap): Uint8Array {
  const size = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${size}, }`
  // Magic, version, length and header end on a multiple of 64 bytes.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10
  const file = new Uint8Array(10 + length + 4 * values.length)
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8])
  file.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10)
  const view = new DataView(file.buffer, 10 + length)
  values.forEach((value, at) => view.setFloat32(4 * at, value, true))
  return file
}

/**
 * A grey PNG of 16 bits in the size of the image: 65535 is `top`, 0 what does not speak for the label or was not seen.
 *
 * @param top value of the brightest; the heatmap's largest when left out
 */
export async function asPng16(
  heatmap: Heatmap,
  placement: Placement,
  top = quantileOf(heatmap.values, 1),
): Promise<Uint8Array> {
  const { width, height } = placement
  const values = placement.ontoImage(heatmap, width, height)
  const grey = Uint16Array.from(values, (value) =>
    value > 0 && top > 0 ? Math.round(65535 * Math.min(1, value / top)) : 0,
  )
  const { default: sharp } = await import('sharp')
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer()
}
