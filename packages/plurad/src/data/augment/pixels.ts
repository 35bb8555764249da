/** What operations on grey values share. */
import type { Picture } from './operation.js'

/** To [0, 1]. */
export function clamp(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value
}

/** The images of a sample, each [channels, size, size]: views, so that changes reach the picture. */
export function imagesOf({ pixels, size, channels }: Picture): Float32Array[] {
  const length = channels * size * size
  return Array.from({ length: pixels.length / length }, (_, image) =>
    pixels.subarray(image * length, (image + 1) * length),
  )
}

/** Grey values of an image, `0.2989 R + 0.587 G + 0.114 B` as torchvision has it, [size, size]; of a grey one itself. */
export function luma(image: Float32Array, { size, channels }: Picture): Float32Array {
  if (channels !== 3) return image
  const length = size * size
  const [green, blue] = [length, 2 * length]
  const grey = new Float32Array(length)
  for (let at = 0; at < length; at++) {
    grey[at] = 0.2989 * image[at] + 0.587 * image[green + at] + 0.114 * image[blue + at]
  }
  return grey
}

export function mean(values: Float32Array): number {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[at]
  return sum / values.length
}
