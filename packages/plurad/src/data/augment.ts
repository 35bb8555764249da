/**
 * Random changes of training images. Seeded by run, epoch and image, so that neither the number of decoding threads
 * nor a resume changes what an image becomes.
 */
import { seededRandom } from './random.js'

export interface Augmentation {
  /** Mirror left and right, half of the time. */
  horizontalFlip: boolean
  /** Largest shift in pixels, along each axis; the nearest edge pixel fills the gap. */
  randomShift: number
}

/** Mixes integers into one 32-bit seed. */
export function mixSeeds(...parts: readonly number[]): number {
  return parts.reduce((hash, part) => {
    let mixed = Math.imul(hash ^ part, 0x9e3779b1)
    mixed ^= mixed >>> 16
    return Math.imul(mixed, 0x85ebca6b) ^ (mixed >>> 13)
  }, 0x2545f491)
}

/**
 * @param pixels [channels, size, size] of one image inside a batch, changed in place
 */
export function augment(
  pixels: Float32Array,
  size: number,
  { horizontalFlip, randomShift }: Augmentation,
  seed: number,
): void {
  const random = seededRandom(seed)
  const flip = horizontalFlip && random() < 0.5
  const shift = (): number => Math.floor(random() * (2 * randomShift + 1)) - randomShift
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
