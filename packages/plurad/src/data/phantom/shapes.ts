/** The arithmetic that all structures share: soft steps, curves through points, and a tile of 1/f noise. */
import { hashOf } from '../random.js'

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value
}

/** 0 at `distance <= -width`, 1 at `distance >= width`, smooth between. */
export function soft(distance: number, width: number): number {
  if (distance <= -width) return 0
  if (distance >= width) return 1
  const t = 0.5 + (0.5 * distance) / width
  return t * t * (3 - 2 * t)
}

/** A smooth function of one variable through control points (Catmull-Rom), tabulated for speed. */
export class Curve {
  static readonly #steps = 256
  readonly #low: number
  readonly #scale: number
  readonly #table = new Float64Array(Curve.#steps + 2)

  constructor(low: number, high: number, value: (at: number) => number) {
    this.#low = low
    this.#scale = Curve.#steps / (high - low)
    for (let i = 0; i < this.#table.length; i++) this.#table[i] = value(low + i / this.#scale)
  }

  /** Through `[at, value]` pairs in increasing order of `at`; constant beyond both ends. */
  static through(...points: [number, number][]): Curve {
    const first = points[0]
    const last = points[points.length - 1]
    return new Curve(first[0], last[0], (at) => {
      let k = 0
      while (k < points.length - 2 && at > points[k + 1][0]) k++
      const [x1, y1] = points[k]
      const [x2, y2] = points[k + 1]
      const y0 = (points[k - 1] ?? first)[1]
      const y3 = (points[k + 2] ?? last)[1]
      const t = clamp((at - x1) / (x2 - x1), 0, 1)
      return y1 + 0.5 * t * (y2 - y0 + t * (2 * y0 - 5 * y1 + 4 * y2 - y3 + t * (3 * (y1 - y2) + y3 - y0)))
    })
  }

  at(value: number): number {
    const position = (value - this.#low) * this.#scale
    if (position <= 0) return this.#table[0]
    if (position >= Curve.#steps) return this.#table[Curve.#steps]
    const index = position | 0
    const fraction = position - index
    return this.#table[index] * (1 - fraction) + this.#table[index + 1] * fraction
  }
}

const tileSide = 256
const tiles = new Map<number, NoiseTile>()

/** Periodic noise with a 1/f spectrum, about zero mean and unit deviation; the period is 1 in both directions. */
export class NoiseTile {
  readonly #values = new Float32Array(tileSide * tileSide)

  private constructor(octaves: number) {
    let amplitude = 0.9
    for (let octave = 0; octave < octaves; octave++, amplitude *= 0.62)
      this.#add(4 << octave, amplitude, octave)
  }

  /**
   * The tile without the detail that an image of `size` pixels cannot show when one period spans
   * `period` of its width: coarse detail is the same at every size, and fine detail never aliases.
   */
  static forSize(size: number, period = 0.5): NoiseTile {
    const octaves = clamp(32 - Math.clz32((size * period) / 8), 2, 6)
    let tile = tiles.get(octaves)
    if (!tile) tiles.set(octaves, (tile = new NoiseTile(octaves)))
    return tile
  }

  at(u: number, v: number): number {
    const x = (u - Math.floor(u)) * tileSide
    const y = (v - Math.floor(v)) * tileSide
    const i = x | 0
    const j = y | 0
    const fx = x - i
    const fy = y - j
    const i0 = i & 255
    const i1 = (i + 1) & 255
    const row0 = (j & 255) << 8
    const row1 = ((j + 1) & 255) << 8
    const values = this.#values
    const top = values[row0 | i0] * (1 - fx) + values[row0 | i1] * fx
    const bottom = values[row1 | i0] * (1 - fx) + values[row1 | i1] * fx
    return top * (1 - fy) + bottom * fy
  }

  /** One octave of value noise on a lattice of `cells` x `cells`, smoothly interpolated. */
  #add(cells: number, amplitude: number, octave: number): void {
    const lattice = Float32Array.from(
      { length: cells * cells },
      (_, index) => (hashOf(7919, octave, index) / 2147483648 - 1) * 1.7 * amplitude,
    )
    const step = cells / tileSide
    for (let y = 0; y < tileSide; y++) {
      const j = Math.floor(y * step)
      const ty = y * step - j
      const wy = ty * ty * (3 - 2 * ty)
      const row0 = j * cells
      const row1 = ((j + 1) % cells) * cells
      for (let x = 0; x < tileSide; x++) {
        const i = Math.floor(x * step)
        const tx = x * step - i
        const wx = tx * tx * (3 - 2 * tx)
        const right = (i + 1) % cells
        const top = lattice[row0 + i] * (1 - wx) + lattice[row0 + right] * wx
        const bottom = lattice[row1 + i] * (1 - wx) + lattice[row1 + right] * wx
        this.#values[y * tileSide + x] += top * (1 - wy) + bottom * wy
      }
    }
  }
}
