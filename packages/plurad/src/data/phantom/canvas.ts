/** The image under construction: attenuation in chest space, sampled at the asked size. */
import { clamp } from './shapes.js'

/** A rectangle in pixels: x and y of the top left corner, width and height. */
export interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** Where the patient stands before the detector. */
export interface Placement {
  /** Radians, clockwise. */
  rotation: number
  /** 1 keeps chest space as it is; larger magnifies. */
  scale: number
  /** In image widths. */
  shiftX: number
  shiftY: number
}

/** What fluid adds where it replaces a full depth of air; the air that is there bounds it. */
export const waterDensity = 0.72

/** Density to add at a point of chest space, given the aerated share of the lung there (0 outside the lungs). */
export type Density = (x: number, y: number, air: number) => number

export class Canvas {
  /** Pixel width in chest space: the narrowest edge worth drawing. */
  readonly pixel: number
  /** Line integrals of attenuation, `[size, size]` row by row. */
  readonly attenuation: Float32Array
  /** Share of the lung's full depth of air, 0..1, `[size, size]`. */
  readonly air: Float32Array
  /** Density of the lung's vessels, drawn only where there is air, `[size, size]`. */
  readonly vessels: Float32Array
  readonly #delta: Float32Array
  readonly #cos: number
  readonly #sin: number

  constructor(
    readonly size: number,
    readonly placement: Placement,
  ) {
    this.pixel = 1 / (size * placement.scale)
    this.attenuation = new Float32Array(size * size)
    this.air = new Float32Array(size * size)
    this.vessels = new Float32Array(size * size)
    this.#delta = new Float32Array(size * size)
    this.#cos = Math.cos(placement.rotation)
    this.#sin = Math.sin(placement.rotation)
  }

  /** Chest space at the centre of pixel (0, 0), and the steps of x and y a column to the right (a row down turns them by 90 degrees). */
  origin(): { x: number; y: number; dx: number; dy: number } {
    const { size, placement, pixel } = this
    const u = (0.5 / size - 0.5 - placement.shiftX) / placement.scale
    const v = (0.5 / size - 0.5 - placement.shiftY) / placement.scale
    return {
      x: this.#cos * u + this.#sin * v,
      y: 0.5 - this.#sin * u + this.#cos * v,
      dx: this.#cos * pixel,
      dy: -this.#sin * pixel,
    }
  }

  /** Pixel coordinates (not rounded, pixel centres at .5) of a point of chest space. */
  toPixels(x: number, y: number): { x: number; y: number } {
    const { size, placement } = this
    const v = y - 0.5
    return {
      x: size * (0.5 + placement.shiftX + placement.scale * (this.#cos * x - this.#sin * v)),
      y: size * (0.5 + placement.shiftY + placement.scale * (this.#sin * x + this.#cos * v)),
    }
  }

  /** The pixels that a rectangle of chest space covers, clipped to the image. */
  cover(left: number, top: number, right: number, bottom: number): Box {
    const corners = [
      this.toPixels(left, top),
      this.toPixels(right, top),
      this.toPixels(left, bottom),
      this.toPixels(right, bottom),
    ]
    const xs = corners.map((corner) => corner.x)
    const ys = corners.map((corner) => corner.y)
    const x = clamp(Math.floor(Math.min(...xs)), 0, this.size)
    const y = clamp(Math.floor(Math.min(...ys)), 0, this.size)
    return {
      x,
      y,
      width: clamp(Math.ceil(Math.max(...xs)), x, this.size) - x,
      height: clamp(Math.ceil(Math.max(...ys)), y, this.size) - y,
    }
  }

  /**
   * Adds a density inside a rectangle of chest space.
   * Returns the box of the pixels that changed by more than a quarter of the largest change; null where none did.
   */
  paint(left: number, top: number, right: number, bottom: number, density: Density): Box | null {
    const { size, attenuation, air } = this
    const delta = this.#delta
    const area = this.cover(left, top, right, bottom)
    const { x: x0, y: y0, dx, dy } = this.origin()
    let peak = 0
    for (let j = area.y; j < area.y + area.height; j++) {
      for (let i = area.x; i < area.x + area.width; i++) {
        const at = j * size + i
        const value = density(x0 + i * dx - j * dy, y0 + i * dy + j * dx, air[at])
        delta[at] = value
        attenuation[at] += value
        // What fills the lung takes the place of its air, and hides the vessels and whatever fills it next.
        if (value > 0 && air[at] > 0) air[at] = Math.max(0, air[at] - value / waterDensity)
        const strength = value < 0 ? -value : value
        if (strength > peak) peak = strength
      }
    }
    if (peak < 1e-4) return null
    return this.#extent(area, peak / 4)
  }

  /** Adds a line with a rounded profile of the given half width (chest space) to `target`; thinner than a pixel, it gets fainter. */
  stroke(
    target: Float32Array,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    halfWidth: number,
    density: number,
  ): void {
    const { size } = this
    const a = this.toPixels(x0, y0)
    const b = this.toPixels(x1, y1)
    const wanted = halfWidth / this.pixel
    const radius = Math.max(1.1, wanted * 1.3)
    const strength = density * Math.min(1, (wanted * 1.3) / radius)
    const ux = b.x - a.x
    const uy = b.y - a.y
    const inverse = 1 / Math.max(1e-9, ux * ux + uy * uy)
    const right = Math.min(size - 1, Math.floor(Math.max(a.x, b.x) + radius))
    const bottom = Math.min(size - 1, Math.floor(Math.max(a.y, b.y) + radius))
    for (let j = Math.max(0, Math.floor(Math.min(a.y, b.y) - radius)); j <= bottom; j++) {
      for (let i = Math.max(0, Math.floor(Math.min(a.x, b.x) - radius)); i <= right; i++) {
        const px = i + 0.5 - a.x
        const py = j + 0.5 - a.y
        const t = clamp((px * ux + py * uy) * inverse, 0, 1)
        const ex = px - t * ux
        const ey = py - t * uy
        const fall = 1 - (ex * ex + ey * ey) / (radius * radius)
        if (fall <= 0) continue
        // The largest, not the sum: joints of one vessel must not shine.
        const at = j * size + i
        const value = strength * fall * fall
        if (value > target[at]) target[at] = value
      }
    }
  }

  #extent(area: Box, threshold: number): Box {
    let left = this.size
    let top = this.size
    let right = -1
    let bottom = -1
    for (let j = area.y; j < area.y + area.height; j++) {
      for (let i = area.x; i < area.x + area.width; i++) {
        const value = this.#delta[j * this.size + i]
        if (value <= threshold && value >= -threshold) continue
        if (i < left) left = i
        if (i > right) right = i
        if (j < top) top = j
        if (j > bottom) bottom = j
      }
    }
    return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
  }
}
