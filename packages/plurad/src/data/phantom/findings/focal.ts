/** Round things, and the heart. */
import { lungPoint } from '../anatomy.js'
import { heartEdge } from '../body.js'
import { waterDensity } from '../canvas.js'
import { NoiseTile, soft } from '../shapes.js'
import { boxes, type FindingDrawing } from './finding.js'

/** One to three discs under 3 cm (0.04 of the image's width in radius), sharply bounded, anywhere in the lungs. */
export const nodule: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable, changing }) {
    const count = stable.chance(0.7) ? 1 : 2 + stable.integer(2)
    const edge = Math.max(0.004, 0.8 * canvas.pixel)
    const found = []
    for (let index = 0; index < count; index++) {
      const lung = stable.chance(0.75) ? side : ((1 - side) as 0 | 1)
      const { x: cx, y: cy } = lungPoint(anatomy, lung, stable.range(0.25, 0.88), stable.range(0.15, 0.88))
      const radius = stable.range(0.017, 0.024) + 0.014 * severity + changing.range(-0.001, 0.001)
      const reach = radius + edge
      const density = 0.2 + 0.16 * severity
      found.push(
        canvas.paint(cx - reach, cy - reach, cx + reach, cy + reach, (x, y, air) => {
          if (air === 0) return 0
          const r = Math.sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy))
          const bulge = Math.max(0, 1 - (r * r) / (reach * reach))
          return density * Math.sqrt(air) * soft(radius - r, edge) * (0.6 + 0.4 * Math.sqrt(bulge))
        }),
      )
    }
    return boxes(...found)
  },
}

/** A tumour over 3 cm: lobulated, dense, often near the hilum, with spicules. */
export const mass: FindingDrawing = {
  paint(canvas, anatomy, { severity, side, stable, changing }) {
    const { x: cx, y: cy } = lungPoint(anatomy, side, stable.range(0.15, 0.75), stable.range(0.2, 0.75))
    const radius = stable.range(0.045, 0.06) + 0.035 * severity + changing.range(-0.002, 0.002)
    const noise = NoiseTile.forSize(canvas.size)
    const phase = stable.next()
    const density = 0.34 + 0.16 * severity
    const border = Math.max(0.007, canvas.pixel)
    const reach = 1.5 * radius
    const box = canvas.paint(cx - reach, cy - reach, cx + reach, cy + reach, (x, y, air) => {
      if (air === 0) return 0
      const u = x - cx
      const v = y - cy
      const r = Math.sqrt(u * u + v * v)
      // The outline follows the noise along a circle, so that it closes on itself.
      const lobes = noise.at(phase + (0.12 * u) / (r + 1e-6), phase + (0.12 * v) / (r + 1e-6))
      const outline = radius * (1 + 0.16 * lobes)
      const bulge = Math.max(0, 1 - (r * r) / (reach * reach))
      return density * Math.sqrt(air) * soft(outline - r, border) * (0.55 + 0.45 * bulge)
    })
    for (let spicule = stable.integer(9); spicule > 0; spicule--) {
      const angle = stable.range(0, 6.283)
      const length = radius * stable.range(1.3, 1.6)
      const [x, y] = [Math.cos(angle), Math.sin(angle)]
      canvas.stroke(
        canvas.vessels,
        cx + x * radius * 0.8,
        cy + y * radius * 0.8,
        cx + x * length,
        cy + y * length,
        0.002,
        0.15,
      )
    }
    return boxes(box)
  },
}

/** A heart wider than half of the chest. */
export const cardiomegaly: FindingDrawing = {
  deform(build, { severity }) {
    const growth = 1.17 + 0.33 * severity
    build.heartWidth *= growth
    build.heartTop -= 0.09 * (growth - 1)
    build.heartX += 0.012
  },
  paint(canvas, anatomy) {
    const { heartTop, heartX, heartWidth } = anatomy.build
    const [right0, left0] = anatomy.diaphragm
    const floor = (x: number): number => (x < 0 ? right0 : left0).at(Math.abs(x))
    // The heart itself is drawn with the body: the finding is its outline, found without changing anything.
    const area = canvas.cover(heartX - heartWidth * 1.1, heartTop, heartX + heartWidth * 1.1, heartTop + 0.4)
    const { x: x0, y: y0, dx, dy } = canvas.origin()
    let left = canvas.size
    let right = -1
    let top = canvas.size
    let bottom = -1
    for (let j = area.y; j < area.y + area.height; j++) {
      for (let i = area.x; i < area.x + area.width; i++) {
        const x = x0 + i * dx - j * dy
        const y = y0 + i * dy + j * dx
        // Above this the great vessels leave, and below the diaphragm nothing can be told apart.
        if (y < heartTop + 0.06 || y > floor(x) || heartEdge(anatomy, x, y) <= 0) continue
        left = Math.min(left, i)
        right = Math.max(right, i)
        top = Math.min(top, j)
        bottom = Math.max(bottom, j)
      }
    }
    return right < left ? [] : [{ x: left, y: top, width: right - left + 1, height: bottom - top + 1 }]
  },
}

/** Stomach in the chest: a round shadow behind the heart, with a level of air over fluid. */
export const hernia: FindingDrawing = {
  paint(canvas, anatomy, { severity, stable, changing, supine }) {
    const radius = stable.range(0.065, 0.08) + 0.04 * severity
    const cx = stable.range(0.01, 0.09)
    const cy = anatomy.build.dome[1] - 0.35 * radius + changing.range(-0.005, 0.005)
    const level = cy - radius * (supine ? 0.5 : stable.range(-0.1, 0.3))
    const edge = Math.max(0.005, canvas.pixel)
    const box = canvas.paint(
      cx - radius * 1.2,
      cy - radius * 1.2,
      cx + radius * 1.2,
      cy + radius * 1.2,
      (x, y, air) => {
        const u = (x - cx) / radius
        const v = (y - cy) / (0.9 * radius)
        const q = 1 - u * u - v * v
        const inside = soft(q, (2 * edge) / radius)
        const wall = soft(0.16 - Math.abs(q), 0.16)
        const gas = soft(level - y, edge)
        return (
          inside * ((0.1 + waterDensity * 0.7 * air) * (1 - gas) - 0.55 * gas * Math.sqrt(Math.max(0, q))) +
          0.12 * wall
        )
      },
    )
    return boxes(box)
  },
}
