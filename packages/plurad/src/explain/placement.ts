/** Where an image lies in the square that a model sees, and back: heatmaps and boxes have to meet the same pixels. */
import { place } from '../data/preprocess.js'
import type { Preprocessing } from '../data/preprocessing.js'
import { sidesOf, type Heatmap } from './heatmap.js'

/** A rectangle with real edges: x and y of its upper left corner. */
export interface Rectangle {
  x: number
  y: number
  width: number
  height: number
}

type Rule = Pick<Preprocessing, 'size' | 'resize' | 'resize_to'>

/** Pixels of an image and pixels of the model's square, edges counted from 0, both axes apart. */
export class Placement {
  /** Side of the square. */
  readonly size: number
  /** Pixels of the image. */
  readonly width: number
  readonly height: number
  /** square = scale * image + offset */
  readonly #x: Axis
  readonly #y: Axis
  /** Part of the square that shows the image, whole pixels; the rest is the black of a letterbox. */
  readonly filled: Rectangle

  constructor(width: number, height: number, rule: Rule) {
    const { outWidth, outHeight, window, left, top } = place(width, height, rule)
    this.size = rule.size
    this.width = width
    this.height = height
    this.#x = { scale: outWidth / width, offset: left - window.left }
    this.#y = { scale: outHeight / height, offset: top - window.top }
    this.filled = { x: left, y: top, width: window.width, height: window.height }
  }

  /** The part of the image that the model sees. */
  get seen(): Rectangle {
    return this.toImage(this.filled)
  }

  /** A rectangle of the image in the square, where it may reach beyond the edges. */
  toSquare({ x, y, width, height }: Rectangle): Rectangle {
    return {
      x: forward(this.#x, x),
      y: forward(this.#y, y),
      width: width * this.#x.scale,
      height: height * this.#y.scale,
    }
  }

  /** A rectangle of the square in the image. */
  toImage({ x, y, width, height }: Rectangle): Rectangle {
    return {
      x: back(this.#x, x),
      y: back(this.#y, y),
      width: width / this.#x.scale,
      height: height / this.#y.scale,
    }
  }

  /** A point of the square for a point of the image. */
  pointToSquare(x: number, y: number): [number, number] {
    return [forward(this.#x, x), forward(this.#y, y)]
  }

  /**
   * A heatmap's values on a grid that covers the whole image evenly, NaN where the model saw nothing of it.
   *
   * @returns [rows, columns]
   */
  ontoImage(heatmap: Heatmap, columns: number, rows: number): Float32Array {
    const values = new Float32Array(columns * rows).fill(NaN)
    const { x: left, y: top, width, height } = this.filled
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [x, y] = this.pointToSquare(
          ((column + 0.5) * this.width) / columns,
          ((row + 0.5) * this.height) / rows,
        )
        if (x < left || x > left + width || y < top || y > top + height) continue
        values[row * columns + column] = valueAt(heatmap, x / this.size, y / this.size)
      }
    }
    return values
  }
}

interface Axis {
  scale: number
  offset: number
}

const forward = ({ scale, offset }: Axis, at: number): number => scale * at + offset
const back = ({ scale, offset }: Axis, at: number): number => (at - offset) / scale

/**
 * Bilinear between the middles of the positions, as `align_corners=False` has it; beyond the outermost middles the nearest.
 *
 * @param x share of the square's side, from its left edge
 * @param y the same from its upper edge
 */
export function valueAt(heatmap: Heatmap, x: number, y: number): number {
  const { height, width } = sidesOf(heatmap)
  const column = Math.min(Math.max(x * width - 0.5, 0), width - 1)
  const row = Math.min(Math.max(y * height - 0.5, 0), height - 1)
  const [left, top] = [Math.floor(column), Math.floor(row)]
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)]
  const [across, down] = [column - left, row - top]
  const at = (r: number, c: number): number => heatmap.values[r * width + c]
  return (
    (at(top, left) * (1 - across) + at(top, right) * across) * (1 - down) +
    (at(bottom, left) * (1 - across) + at(bottom, right) * across) * down
  )
}

/** A heatmap on the pixels of the square, [size, size]. */
export function ontoSquare(heatmap: Heatmap, size: number): Heatmap {
  const { height, width } = sidesOf(heatmap)
  if (height === size && width === size) return heatmap
  const values = new Float32Array(size * size)
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      values[row * size + column] = valueAt(heatmap, (column + 0.5) / size, (row + 0.5) / size)
  return { shape: [size, size], values }
}
