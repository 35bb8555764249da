/** What a finding is to the generator, and the shapes that several findings share. */
import type { Anatomy, Build } from '../anatomy.js'
import { waterDensity, type Box, type Canvas } from '../canvas.js'
import type { Random } from '../../random.js'
import { clamp, NoiseTile, soft } from '../shapes.js'

/** One finding in one image. */
export interface Presence {
  /** 0 (barely there) to 1 (as bad as it gets). */
  severity: number
  /** 0 the patient's right, 1 the left. */
  side: 0 | 1
  /** What stays from image to image of the patient, such as where it is. */
  stable: Random
  /** What differs between the images. */
  changing: Random
  /** Taken lying: fluid spreads out behind the lung. */
  supine: boolean
}

export interface FindingDrawing {
  /** Changes the anatomy before it is drawn. */
  deform?(build: Build, presence: Presence): void
  /** Adds densities; returns the box of each lesion, in pixels of the image. */
  paint(canvas: Canvas, anatomy: Anatomy, presence: Presence): Box[]
}

export function boxes(...found: (Box | null)[]): Box[] {
  return found.filter((box) => box !== null)
}

export interface Patch {
  x: number
  y: number
  /** Semi-axes in chest space. */
  rx: number
  ry: number
  /** Share of the air that is replaced at the centre. */
  fill: number
  /** Width of the border as a share of the radius: 1 fades all the way. */
  fade: number
  /** How much the outline and the inside vary, 0..1. */
  rough: number
  /** Periods of the noise tile a chest width; more is finer. */
  grain: number
  /** Where in the noise tile the patch begins. */
  phase: number
}

/** Fills part of a lung: an ellipse with a ragged outline whose inside is uneven. */
export function fillPatch(canvas: Canvas, patch: Patch): Box | null {
  const { x: cx, y: cy, rx, ry, fill, fade, rough, grain, phase } = patch
  const noise = NoiseTile.forSize(canvas.size, 1 / grain)
  const border = Math.max(fade, canvas.pixel / rx)
  const reach = 1 + 0.5 * rough + border
  return canvas.paint(cx - rx * reach, cy - ry * reach, cx + rx * reach, cy + ry * reach, (x, y, air) => {
    if (air === 0) return 0
    const u = (x - cx) / rx
    const v = (y - cy) / ry
    const r = Math.sqrt(u * u + v * v)
    if (r > reach) return 0
    const texture = noise.at(x * grain + phase, y * grain + 0.618 * phase)
    const inside = soft(1 - r - 0.5 * fade + 0.3 * rough * texture, border)
    return waterDensity * air * fill * inside * clamp(1 + rough * 0.55 * texture, 0, 1.5)
  })
}

/** Blood vessels vanish in what has no air round them; this takes them out of part of a lung. */
export function hideVessels(canvas: Canvas, hidden: (x: number, y: number) => number, area: Box): void {
  const { x: x0, y: y0, dx, dy } = canvas.origin()
  for (let j = area.y; j < area.y + area.height; j++) {
    for (let i = area.x; i < area.x + area.width; i++) {
      canvas.vessels[j * canvas.size + i] *= 1 - hidden(x0 + i * dx - j * dy, y0 + i * dy + j * dx)
    }
  }
}
