import { clamp, greySquare, readImage, type ImageReading } from './image-facts.js'

/** Sides of the squares that details are compared in. */
export type DetailSize = 32 | 64

/** Pixels of a detail square that are blurred together to one. */
const BLUR = 4

/** Stronger edges count no more than this many times the usual one: a bright rim is no sign of a copy. */
const STRONGEST = 2

const STEPS = 63

/**
 * What is fine in an image: a `size` x `size` grey square less its own blur, in steps of its median size. Two images
 * of one kind agree in their blur (every chest has two lungs); only copies agree in this.
 *
 * @returns [size, size], in [-126, 126]
 * @throws DataError naming the file, for one that cannot be read
 */
export async function detailOf(
  reference: string,
  reading: ImageReading,
  size: DetailSize,
): Promise<Int8Array> {
  const square = greySquare(await readImage(reference, reading), size)
  const blurred = blur(square, size)
  const difference = square.map((value, at) => value - blurred[at])
  const sizes = difference.map(Math.abs).filter((value) => value > 1e-4)
  sizes.sort()
  const usual = sizes[Math.floor(sizes.length / 2)] ?? 1
  return Int8Array.from(difference, (value) => Math.round(clamp(value / usual, STRONGEST) * STEPS))
}

/** Means of blocks, interpolated linearly in between. */
function blur(square: Float32Array, size: number): Float32Array {
  const blocks = size / BLUR
  const means = new Float32Array(blocks * blocks)
  square.forEach((value, at) => {
    const row = Math.floor(at / size / BLUR)
    const column = Math.floor((at % size) / BLUR)
    means[row * blocks + column] += value / (BLUR * BLUR)
  })
  return square.map((_, at) => {
    const [top, bottom, down] = between(Math.floor(at / size), blocks)
    const [left, right, across] = between(at % size, blocks)
    const upper = means[top * blocks + left] * (1 - across) + means[top * blocks + right] * across
    const lower = means[bottom * blocks + left] * (1 - across) + means[bottom * blocks + right] * across
    return upper * (1 - down) + lower * down
  })
}

/** The two blocks whose centres a pixel lies between, and how far from the first. */
function between(pixel: number, blocks: number): [number, number, number] {
  const place = Math.max(0, Math.min(blocks - 1, (pixel + 0.5) / BLUR - 0.5))
  const first = Math.floor(place)
  return [first, Math.min(blocks - 1, first + 1), place - first]
}
