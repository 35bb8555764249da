/** One panel: an image, a heatmap over it, outlines of boxes. Red, green and blue, no text. */
import { resize } from '../../data/resize.js'
import type { DecodedImage } from '../../data/image.js'
import type { Heatmap } from '../heatmap.js'
import type { Placement, Rectangle } from '../placement.js'
import { blended } from './colour-map.js'

/** [height, width, 3], 0 to 255. */
export interface Picture {
  width: number
  height: number
  data: Uint8Array
}

type Colour = readonly [red: number, green: number, blue: number]

/** Of a reader's boxes: no colour of the scale, and seen on grey. */
export const BOX: Colour = [0.25, 0.9, 0.95]
/** Of the edge of what the model saw. */
export const FRAME: Colour = [0.55, 0.75, 0.55]

/** An image in another size, values 0 to 1, [height, width, 3]. */
export function scaledImage(image: DecodedImage, width: number, height: number): Float32Array {
  const larger = width > image.width
  const planes = resize(image, {
    outWidth: width,
    outHeight: height,
    interpolation: larger ? 'bicubic' : 'bilinear',
  })
  const area = width * height
  const pixels = new Float32Array(3 * area)
  for (let at = 0; at < area; at++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = planes[(image.channels === 1 ? 0 : channel) * area + at]
      pixels[3 * at + channel] = Math.min(Math.max(value, 0), 1)
    }
  }
  return pixels
}

export interface Layer {
  heatmap: Heatmap | null
  /** Value at the end of the scale. */
  top: number
  /** In pixels of the image. */
  outlines: readonly { box: Rectangle; colour: Colour }[]
}

/** @param base of `scaledImage`, [height, width, 3] */
export function drawPanel(
  base: Float32Array,
  width: number,
  height: number,
  placement: Placement,
  { heatmap, top, outlines }: Layer,
): Picture {
  const values = heatmap === null ? null : placement.ontoImage(heatmap, width, height)
  const data = new Uint8Array(base.length)
  for (let at = 0; at < width * height; at++) {
    const value = values === null || top <= 0 ? NaN : values[at] / top
    const colour = blended([base[3 * at], base[3 * at + 1], base[3 * at + 2]], value)
    colour.forEach((channel, k) => (data[3 * at + k] = Math.round(255 * channel)))
  }
  const picture = { width, height, data }
  const [acrossScale, downScale] = [width / placement.width, height / placement.height]
  for (const { box, colour } of outlines) {
    outline(
      picture,
      {
        x: box.x * acrossScale,
        y: box.y * downScale,
        width: box.width * acrossScale,
        height: box.height * downScale,
      },
      colour,
    )
  }
  return picture
}

/** Lines of two pixels along the inner side of a rectangle. */
function outline({ width, height, data }: Picture, box: Rectangle, colour: Colour): void {
  const clamp = (value: number, most: number): number => Math.min(Math.max(Math.round(value), 0), most)
  const [left, right] = [clamp(box.x, width), clamp(box.x + box.width, width)]
  const [top, bottom] = [clamp(box.y, height), clamp(box.y + box.height, height)]
  const thick = 2
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const inside = x >= left + thick && x < right - thick && y >= top + thick && y < bottom - thick
      if (inside) continue
      colour.forEach((channel, k) => (data[3 * (y * width + x) + k] = Math.round(255 * channel)))
    }
  }
}
