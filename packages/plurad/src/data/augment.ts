/**
 * Random changes of training images. Drawn from a stream of their own for every run, epoch and image, so that neither the number of decoding threads
 * nor a resume changes what an image becomes.
 */
import type { Random } from './random.js'

export interface Augmentation {
  /** Mirror left and right, half of the time. */
  horizontalFlip: boolean
  /** Largest shift in pixels, along each axis; the nearest edge pixel fills the gap. */
  randomShift: number
}

/**
 * @param pixels [channels, size, size] of one image inside a batch, changed in place
 */
export function augment(
  pixels: Float32Array,
  size: number,
  { horizontalFlip, randomShift }: Augmentation,
  random: Random,
): void {
  const flip = horizontalFlip && random.chance(0.5)
  const shift = (): number => random.integer(2 * randomShift + 1) - randomShift
  const [dx, dy] = randomShift > 0 ? [shift(), shift()] : [0, 0]
  if (!flip && dx === 0 && dy === 0) return
  const plane = size * size
  const clamp = (position: number): number => Math.min(Math.max(position, 0), size - 1)
  const columns = Int32Array.from({ length: size }, (_, x) => clamp((flip ? size - 1 - x : x) + dx))
  for (let start = 0; start < pixels.length; start += plane) {
    const source = pixels.slice(start, start + plane)
    for (let y = 0; y < size; y++) {
      const from = clamp(y + dy) * size
      const to = start + y * size
      for (let x = 0; x < size; x++) pixels[to + x] = source[from + columns[x]]
    }
  }
}
