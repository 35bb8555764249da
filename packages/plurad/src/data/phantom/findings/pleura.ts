/** Findings of the pleura, and of a lung that has lost or gained volume. */
import { lungPoint } from '../anatomy.js'
import { waterDensity } from '../canvas.js'
import { clamp, NoiseTile, soft } from '../shapes.js'
import { boxes, hideVessels, type FindingDrawing } from './finding.js'

/** Fluid round the lung: it lies at the bottom and climbs the chest wall, highest at the side (the meniscus). */
export const effusion: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable, changing, supine }) {
    const both = stable.chance(0.3)
    const { lungTop, dome, arch } = anatomy.build
    const sides = both ? ([0, 1] as const) : [side]
    return boxes(
      ...sides.map((lung) => {
        const share = lung === side ? 1 : 0.6
        const bottom = dome[lung] + arch
        const height =
          (0.055 + 0.3 * severity * severity + 0.08 * severity + changing.range(-0.01, 0.01)) * share
        const level = bottom - height
        const climb = 0.05 + 0.09 * severity
        // Lying, the same fluid spreads behind the lung: a veil without a level.
        const border = supine ? 0.07 : Math.max(0.012, canvas.pixel)
        return canvas.paint(lung ? 0 : -0.5, lungTop, lung ? 0.5 : 0, 1, (x, y, air) => {
          if (air === 0 || y < level - 3 * climb) return 0
          const lateral = clamp(Math.abs(x) / anatomy.outer[lung].at(y), 0, 1)
          const surface = level - climb * lateral * lateral * lateral * lateral * 1.3 + 0.25 * climb
          const veil = supine ? 0.25 * soft(y - level + 0.15, 0.15) : 0
          const depth = soft(y - surface, border)
          // Fluid also pushes out the chest wall and the diaphragm: denser than water in the lung's place alone.
          return waterDensity * air * Math.max(veil, 0.92 * depth) + 0.2 * depth * Math.min(1, 3 * air)
        })
      }),
    )
  },
}

/** Air between lung and chest wall: a black rim without vessels, widest at the apex, bounded by a fine white line. */
export const pneumothorax: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, changing }) {
    const { lungTop, dome } = anatomy.build
    const rim = 0.035 + 0.09 * severity + changing.range(-0.006, 0.006)
    const outer = anatomy.outer[side]
    const edge = Math.max(0.004, canvas.pixel)
    const gap = (x: number, y: number): number => {
      const down = clamp((y - lungTop) / (dome[side] - lungTop), 0, 1)
      // The collapsed lung's outline, measured from the chest wall; the apex falls away from the top too.
      const lateral = outer.at(y - 0.8 * rim) - Math.abs(x)
      return rim * 0.75 * (1 - down) * (0.6 + 0.4 * (1 - down)) - lateral + 0.1 * rim
    }
    const bounds = [side ? 0 : -0.5, lungTop - 0.02, side ? 0.5 : 0, dome[side]] as const
    hideVessels(canvas, (x, y) => soft(gap(x, y), edge), canvas.cover(...bounds))
    const box = canvas.paint(...bounds, (x, y, air) => {
      if (air === 0) return 0
      const outside = gap(x, y)
      const line = soft(0.004 + 0.5 * edge - Math.abs(outside), edge)
      const black = soft(outside, edge)
      const low = 1 - soft(y - dome[side] + 0.16, 0.1)
      return air * low * (-0.17 * black + 0.2 * line * (0.004 / (0.5 * edge + 0.002)))
    })
    // What is left of the lung holds less air and looks denser.
    canvas.paint(...bounds, (x, y, air) =>
      air === 0 ? 0 : air * (0.03 + 0.1 * severity) * soft(-gap(x, y) - 0.01, 0.02),
    )
    return boxes(box)
  },
}

/** A plaque or rind along the chest wall or over the apex, with a wavy inner border. */
export const pleuralThickening: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable }) {
    const { lungTop, dome, arch } = anatomy.build
    const apical = stable.chance(0.35)
    const from = apical ? -0.02 : stable.range(0.3, 0.6)
    const to = apical ? 0.3 : from + stable.range(0.3, 0.5)
    const thickness = 0.016 + 0.028 * severity
    const phase = stable.next()
    const noise = NoiseTile.forSize(canvas.size)
    const edge = Math.max(0.005, canvas.pixel)
    const box = canvas.paint(
      side ? 0 : -0.5,
      lungTop - 0.02,
      side ? 0.5 : 0,
      dome[side] + arch,
      (x, y, air) => {
        if (air === 0) return 0
        const down = (y - lungTop) / (dome[side] - lungTop)
        const along = soft(down - from, 0.06) * soft(to - down, 0.06)
        if (along === 0) return 0
        const lateral = anatomy.outer[side].at(y) - Math.abs(x)
        const rind = thickness * along * (1 + 0.35 * noise.at(phase, 3 * y))
        return waterDensity * Math.sqrt(air) * 0.75 * soft(rind - lateral, edge) * along
      },
    )
    return boxes(box)
  },
}

/** Lost volume: the diaphragm is drawn up, with plates of collapsed lung above it, or a triangle behind the heart. */
export const atelectasis: FindingDrawing = {
  deform(build, { severity, side }) {
    build.dome[side] -= 0.014 + 0.045 * severity
  },
  paint(canvas, anatomy, { severity, side, stable, changing }) {
    const outward = side === 0 ? -1 : 1
    const plates = 1 + stable.integer(2) + (severity > 0.6 ? 1 : 0)
    const found = []
    const edge = 0.7 * canvas.pixel
    for (let plate = 0; plate < plates; plate++) {
      const at = lungPoint(
        anatomy,
        side,
        stable.range(0.35, 0.6),
        0.86 - 0.13 * plate + changing.range(-0.02, 0.02),
      )
      const slope = stable.range(-0.4, 0.25) * outward
      const half = stable.range(0.07, 0.1) * (0.8 + 0.4 * severity)
      const width = (0.008 + 0.01 * severity) * stable.range(0.8, 1.2)
      found.push(
        canvas.paint(at.x - half, at.y - 0.08, at.x + half, at.y + 0.08, (x, y, air) => {
          const u = (x - at.x) / half
          const distance = Math.abs(y - at.y - slope * (x - at.x) - 0.012 * u * u)
          const inside =
            soft(width * (1 - 0.4 * u * u) - distance, Math.max(0.008, edge)) * soft(0.85 - Math.abs(u), 0.3)
          return waterDensity * Math.sqrt(air) * (0.3 + 0.28 * severity) * inside
        }),
      )
    }
    const haze = 0.16 + 0.3 * severity
    const floor = anatomy.diaphragm[side]
    canvas.paint(side ? 0 : -0.5, anatomy.build.dome[side] - 0.2, side ? 0.5 : 0, 1, (x, y, air) => {
      if (air === 0) return 0
      return waterDensity * air * haze * soft(y - floor.at(Math.abs(x)) + 0.05, 0.05)
    })
    return boxes(...found)
  },
}

/** Too much air: black lungs with few vessels, low flat diaphragm, narrow heart, thin-walled bullae. */
export const emphysema: FindingDrawing = {
  deform(build, { severity }) {
    const low = 0.022 + 0.045 * severity
    build.dome = [build.dome[0] + low, build.dome[1] + low]
    build.arch *= 0.7 - 0.3 * severity
    build.lungWidth = [build.lungWidth[0] * 1.03, build.lungWidth[1] * 1.03]
    build.heartWidth *= 0.93 - 0.08 * severity
    build.heartTop += 0.03
    build.lucency += 0.02 + 0.06 * severity
    build.vessels *= 0.75 - 0.3 * severity
  },
  paint(canvas, anatomy, { severity, side, stable }) {
    const bullae = 1 + stable.integer(2 + Math.round(2 * severity))
    const found = []
    const edge = Math.max(0.003, 0.7 * canvas.pixel)
    for (let bulla = 0; bulla < bullae; bulla++) {
      const lung = stable.chance(0.7) ? side : ((1 - side) as 0 | 1)
      const { x: cx, y: cy } = lungPoint(anatomy, lung, stable.range(0.4, 0.85), stable.range(0.1, 0.5))
      const radius = stable.range(0.025, 0.05) * (0.8 + 0.4 * severity)
      const reach = radius * 1.2
      found.push(
        canvas.paint(cx - reach, cy - reach, cx + reach, cy + reach, (x, y, air) => {
          const r = Math.sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy))
          const wall = soft(0.003 + 0.3 * edge - Math.abs(r - radius), edge) * (0.003 / (0.003 + 0.3 * edge))
          return air * (0.12 * wall - 0.12 * soft(radius - r, 2 * edge))
        }),
      )
    }
    return boxes(...found)
  },
}
