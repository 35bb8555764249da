/** What is in the picture and not of the patient: the technician's side marker and the collimator's shadow. */
import type { Random } from '../random.js'
import { clamp } from './shapes.js'

/** Strokes of the letters in a box of 3 x 5: left, top, right, bottom. */
const letters: Record<'L' | 'R', [number, number, number, number][]> = {
  L: [
    [0, 0, 0.9, 5],
    [0, 4.1, 3, 5],
  ],
  R: [
    [0, 0, 0.9, 5],
    [0, 0, 3, 0.9],
    [2.1, 0, 3, 2.9],
    [0, 2.1, 3, 3],
    [1.2, 2.8, 2.1, 3.6],
    [1.65, 3.4, 2.55, 4.3],
    [2.1, 4.1, 3, 5],
  ],
}

/** Burns in an L at the patient's left (the image's right), or an R at the other side, in a corner. */
export function drawMarker(pixels: Uint8Array, size: number, random: Random): void {
  const left = random.chance(0.7)
  const unit = size * random.range(0.0075, 0.0105)
  const x0 = size * (left ? random.range(0.9, 0.95) : random.range(0.03, 0.07))
  const y0 = size * random.range(0.02, 0.12)
  const shade = random.range(215, 250)
  for (const [l, t, r, b] of letters[left ? 'L' : 'R']) {
    const right = x0 + r * unit
    const bottom = y0 + b * unit
    for (let j = Math.floor(y0 + t * unit); j < bottom; j++) {
      for (let i = Math.floor(x0 + l * unit); i < right; i++) {
        if (i < 0 || j < 0 || i >= size || j >= size) continue
        const cover = overlap(i, x0 + l * unit, right) * overlap(j, y0 + t * unit, bottom)
        const at = j * size + i
        const grey = pixels[at]
        pixels[at] = Math.floor(Math.max(grey, grey + (shade - grey) * cover) + 0.5)
      }
    }
  }
}

/** Blackens a margin on some images, as a collimator does. */
export function drawCollimation(pixels: Uint8Array, size: number, random: Random): void {
  const closed = random.chance(0.25)
  const margins = [0, 1, 2, 3].map(() => (random.chance(0.5) ? random.range(0.005, 0.05) : 0) * size)
  if (!closed) return
  const [left, top, right, bottom] = margins as [number, number, number, number]
  for (let j = 0; j < size; j++) {
    const rows = clamp(Math.min(j + 1 - top, size - bottom - j), 0, 1)
    for (let i = 0; i < size; i++) {
      const open = rows * clamp(Math.min(i + 1 - left, size - right - i), 0, 1)
      const at = j * size + i
      if (open < 1) pixels[at] = Math.floor(pixels[at] * open + 6 * (1 - open) + 0.5)
    }
  }
}

/** Share of the pixel [at, at + 1] that lies between `low` and `high`. */
function overlap(at: number, low: number, high: number): number {
  return clamp(Math.min(at + 1, high) - Math.max(at, low), 0, 1)
}
