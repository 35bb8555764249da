/** Findings that fill the lung's air spaces or thicken what lies between them. */
import { lungPoint } from '../anatomy.js'
import { waterDensity } from '../canvas.js'
import { clamp, NoiseTile, soft } from '../shapes.js'
import { boxes, fillPatch, type FindingDrawing } from './finding.js'

/** Ill-defined, speckled haze; in a third of the patients on both sides. */
export const infiltration: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable, changing }) {
    const both = stable.chance(0.35)
    const sides = both ? ([0, 1] as const) : [side]
    return boxes(
      ...sides.map((lung) => {
        const at = lungPoint(anatomy, lung, stable.range(0.25, 0.7), stable.range(0.4, 0.85))
        const radius = stable.range(0.075, 0.11) * (0.85 + 0.35 * severity)
        return fillPatch(canvas, {
          ...at,
          rx: radius,
          ry: radius * stable.range(0.9, 1.4),
          fill: 0.2 + 0.26 * severity + changing.range(-0.02, 0.02),
          fade: 0.7,
          rough: 0.85,
          grain: 5,
          phase: stable.next(),
        })
      }),
    )
  },
}

/** A segment or two: denser than infiltration, smaller, more even, always on one side, with dark bronchi in it. */
export const pneumonia: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable, changing }) {
    const at = lungPoint(anatomy, side, stable.range(0.35, 0.65), stable.range(0.55, 0.85))
    const radius = stable.range(0.06, 0.085) * (0.9 + 0.3 * severity)
    const box = fillPatch(canvas, {
      ...at,
      rx: radius * 1.25,
      ry: radius,
      fill: 0.42 + 0.25 * severity + changing.range(-0.03, 0.03),
      fade: 0.45,
      rough: 0.55,
      grain: 3,
      phase: stable.next(),
    })
    return boxes(box)
  },
}

/** A lobe without air: dense and even, cut straight at the fissure above or below, with air in the bronchi. */
export const consolidation: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable, changing }) {
    const upper = stable.chance(0.4)
    const centre = lungPoint(anatomy, side, stable.range(0.4, 0.55), upper ? 0.3 : 0.72)
    const fissure = lungPoint(anatomy, side, 0.5, upper ? stable.range(0.4, 0.48) : stable.range(0.52, 0.6)).y
    const tilt = stable.range(-0.15, 0.25)
    const rx = stable.range(0.11, 0.15)
    const ry = stable.range(0.12, 0.16) * (0.8 + 0.3 * severity)
    const fill = clamp(0.5 + 0.35 * severity + changing.range(-0.04, 0.04), 0, 0.9)
    const hilum = lungPoint(anatomy, side, 0.1, 0.55)
    const noise = NoiseTile.forSize(canvas.size)
    const edge = Math.max(0.006, canvas.pixel)
    const phase = stable.next()
    const { x: cx, y: cy } = centre
    const box = canvas.paint(cx - 1.2 * rx, cy - 1.2 * ry, cx + 1.2 * rx, cy + 1.2 * ry, (x, y, air) => {
      if (air === 0) return 0
      const u = (x - cx) / rx
      const v = (y - cy) / ry
      const texture = noise.at(2 * x + phase, 2 * y)
      const inside = soft(1 - Math.sqrt(u * u + v * v) + 0.08 * texture, 0.2)
      const border = fissure + tilt * (Math.abs(x) - Math.abs(cx))
      const cut = soft(upper ? border - y : y - border, edge)
      // Air bronchograms fan out of the hilum.
      const fan = ((y - hilum.y) / (Math.abs(x - hilum.x) + 0.05)) * 4 + phase + 0.12 * texture
      const bronchus = soft(0.09 - Math.abs(fan - Math.round(fan)), 0.09)
      return waterDensity * air * fill * inside * cut * (1 - 0.22 * bronchus) * (1 + 0.06 * texture)
    })
    return boxes(box)
  },
}

/** Heart failure in the lungs: bat-wing haze round both hila, thick upper vessels, Kerley's lines at the bases. */
export const edema: FindingDrawing = {
  deform(build, { severity }) {
    build.vessels *= 1.3 + 0.6 * severity
  },
  paint(canvas, anatomy, { severity, stable }) {
    const strength = 0.24 + 0.3 * severity
    const phase = stable.next()
    const found = ([0, 1] as const).map((side) => {
      const at = lungPoint(anatomy, side, 0.3, 0.58)
      return fillPatch(canvas, {
        ...at,
        rx: 0.15,
        ry: 0.21,
        fill: strength,
        fade: 0.8,
        rough: 0.45,
        grain: 3.5,
        phase,
      })
    })
    for (const side of [0, 1] as const) {
      for (let line = 0; line < 7; line++) {
        const from = lungPoint(anatomy, side, 0.98, 0.72 + 0.035 * line)
        const to = lungPoint(anatomy, side, stable.range(0.8, 0.9), 0.72 + 0.035 * line)
        canvas.stroke(canvas.vessels, from.x, from.y, to.x, to.y, 0.0025, 0.06 + 0.1 * severity)
      }
    }
    return boxes(...found)
  },
}

/** Scars: a net of coarse lines at the bases and the edges of both lungs, which shrink. */
export const fibrosis: FindingDrawing = {
  deform(build, { severity }) {
    const shrink = 0.015 + 0.025 * severity
    build.dome = [build.dome[0] - shrink, build.dome[1] - shrink]
  },
  paint(canvas, anatomy, { severity, stable }) {
    const fine = NoiseTile.forSize(canvas.size, 1 / 6)
    const coarse = NoiseTile.forSize(canvas.size)
    const phase = stable.next()
    const apical = stable.chance(0.25)
    const strength = 0.26 + 0.24 * severity
    return boxes(
      ...([0, 1] as const).map((side) => {
        const top = anatomy.build.lungTop
        const floor = anatomy.build.dome[side]
        const width = anatomy.build.lungWidth[side]
        return canvas.paint(
          side === 0 ? -width : 0,
          top,
          side === 0 ? 0 : width,
          floor + anatomy.build.arch,
          (x, y, air) => {
            if (air === 0) return 0
            const down = (y - top) / (floor - top)
            const across = Math.abs(x) / Math.max(0.05, anatomy.outer[side].at(y))
            const zone = soft((apical ? 0.45 - down : down - 0.62) + 0.45 * (across - 0.55), 0.3)
            if (zone === 0) return 0
            // Ridges of the noise are lines; two nets of different mesh make honeycombs.
            const net = 1 - Math.min(1, 1.9 * Math.abs(fine.at(6 * x + phase, 6 * y)))
            const shade = 0.3 + 0.2 * coarse.at(2 * x, 2 * y + phase)
            return waterDensity * Math.sqrt(air) * strength * zone * (net + shade)
          },
        )
      }),
    )
  },
}
