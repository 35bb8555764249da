/**
 * How well one heatmap points at a reader's boxes. All is measured in the square that the model sees, in the part of it that
 * shows the image, so that crops and letterboxes count for nothing.
 */
import type { Heatmap } from '../heatmap.js'
import { sidesOf } from '../heatmap.js'
import { ontoSquare, type Placement, type Rectangle } from '../placement.js'

/** Shares of a heatmap's highest value from which a position belongs to the region that it marks. */
export const REGION_THRESHOLDS = [0.25, 0.5, 0.75] as const

export interface LocalisationMeasures {
  /** Whether the highest value lies in a box (pointing game: Zhang et al., IJCV 2018, arXiv:1608.00507). */
  hit: boolean
  /** Share of all that speaks for the label that lies in the boxes (Wang et al., Score-CAM, arXiv:1910.01279). */
  energy: number
  /** Share of the area that the boxes cover: what a point or an energy at random would get. */
  chance: number
  /** Intersection over union of the boxes and of what is at least each of `REGION_THRESHOLDS` of the highest value. */
  iou: number[]
  /** [size, size]: 1 in a box. */
  inside: Uint8Array
}

/**
 * @param evidence what speaks for the label, nowhere negative
 * @param boxes in pixels of the image
 * @returns null where the model sees nothing of the boxes
 */
export function measure(
  evidence: Heatmap,
  boxes: readonly Rectangle[],
  placement: Placement,
): LocalisationMeasures | null {
  const { size, filled } = placement
  const squares = boxes
    .map((box) => intersection(placement.toSquare(box), filled))
    .filter((box) => box !== null)
  if (squares.length === 0) return null
  const inside = new Uint8Array(size * size)
  for (const box of squares) markInside(inside, size, box)
  const { values } = ontoSquare(evidence, size)
  const [left, top] = [filled.x, filled.y]
  const [right, bottom] = [filled.x + filled.width, filled.y + filled.height]
  let [all, within, area, highest] = [0, 0, 0, 0]
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * size + x
      all += values[at]
      highest = Math.max(highest, values[at])
      if (inside[at] === 0) continue
      within += values[at]
      area++
    }
  }
  const iou = REGION_THRESHOLDS.map((threshold) => {
    if (highest === 0) return 0
    let [both, either] = [0, 0]
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const at = y * size + x
        const marked = values[at] >= threshold * highest
        if (marked && inside[at] === 1) both++
        if (marked || inside[at] === 1) either++
      }
    }
    return both / either
  })
  const point = highestPoint(evidence, placement)
  return {
    hit: point !== null && squares.some((box) => contains(box, point)),
    energy: all === 0 ? 0 : within / all,
    chance: area / (filled.width * filled.height),
    iou,
    inside,
  }
}

/**
 * The middle of the position with the highest value, in pixels of the square; null where nothing speaks for the label. Between
 * the middles of positions a bilinear map is nowhere higher, and towards the edges it is flat.
 */
function highestPoint(evidence: Heatmap, { size, filled }: Placement): [number, number] | null {
  const { height, width } = sidesOf(evidence)
  let found: [number, number] | null = null
  let highest = 0
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const point: [number, number] = [((column + 0.5) * size) / width, ((row + 0.5) * size) / height]
      const value = evidence.values[row * width + column]
      if (value <= highest || !contains(filled, point)) continue
      ;[highest, found] = [value, point]
    }
  }
  return found
}

function contains({ x, y, width, height }: Rectangle, [px, py]: readonly [number, number]): boolean {
  return px >= x && px <= x + width && py >= y && py <= y + height
}

/** Null where they have nothing in common. */
function intersection(a: Rectangle, b: Rectangle): Rectangle | null {
  const [x, y] = [Math.max(a.x, b.x), Math.max(a.y, b.y)]
  const width = Math.min(a.x + a.width, b.x + b.width) - x
  const height = Math.min(a.y + a.height, b.y + b.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : null
}

/** Pixels whose middle lies in the box; of a box between middles, the one that holds its own middle. */
function markInside(inside: Uint8Array, size: number, { x, y, width, height }: Rectangle): void {
  const range = (from: number, length: number): [number, number] => {
    const [first, end] = [Math.ceil(from - 0.5), Math.floor(from + length - 0.5) + 1]
    const middle = Math.min(size - 1, Math.floor(from + length / 2))
    return end > first ? [Math.max(0, first), Math.min(size, end)] : [middle, middle + 1]
  }
  const [left, right] = range(x, width)
  const [top, bottom] = range(y, height)
  for (let row = top; row < bottom; row++) inside.fill(1, row * size + left, row * size + right)
}
