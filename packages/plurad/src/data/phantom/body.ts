/** The healthy chest: one pass over the pixels for everything large, then strokes for the vessels. */
import type { Anatomy } from './anatomy.js'
import { lungPoint } from './anatomy.js'
import type { Canvas } from './canvas.js'
import type { Random } from '../random.js'
import { clamp, NoiseTile, soft } from './shapes.js'

/** Distance inside the heart's border at one height, in chest space; negative outside. */
export function heartEdge(anatomy: Anatomy, x: number, y: number): number {
  const [right, left] = anatomy.heart
  return Math.min(left.at(y) - x, x + right.at(y), y - anatomy.build.heartTop)
}

/** Density of the bones at a point: ribs behind and in front, clavicles, shoulder blades. `edge` is the sharpest edge drawable. */
function bones(anatomy: Anatomy, y: number, a: number, wall: number, edge: number): number {
  const { build } = anatomy
  let density = 0
  // Ribs: parallel arcs, so that one evaluation of the distance to the nearest arc draws all of them.
  if (a < wall + 0.05 && y > 0.04) {
    const fade = soft(wall + 0.025 - a, 0.025)
    const curl = (0.95 - 0.45 * y) * build.ribDrop
    const behind = (y - a * (a - 0.09) * 1.25 * curl) / build.ribSpacing + build.ribPhase
    density +=
      build.ribDensity *
      rib((behind - Math.round(behind)) * build.ribSpacing, 0.0135, edge) *
      fade *
      soft(a - 0.03, 0.02)
    if (a > 0.1 && y < 0.72) {
      const front =
        (y + (a - 0.36) * 0.55 + (a - 0.25) * (a - 0.25) * 1.2) / (build.ribSpacing * 1.12) +
        build.ribPhase * 1.7
      const strength = 0.55 * soft(a - 0.17, 0.06) * soft(y - 0.2, 0.05)
      density +=
        build.ribDensity *
        strength *
        rib((front - Math.round(front)) * build.ribSpacing * 1.12, 0.017, edge) *
        fade
    }
  }
  if (a < 0.42 && y < build.clavicleY + 0.05) {
    const t = a - 0.03
    const clavicle = y - build.clavicleY + build.clavicleTilt * t * (1.35 - 1.6 * t)
    density +=
      0.22 * rib(clavicle, 0.015 + 0.012 * clamp(0.1 - t, 0, 0.1), edge) * soft(t, 0.01) * soft(0.4 - a, 0.02)
  }
  if (a > 0.26 && y < 0.55) {
    const border = a - (wall + 0.035) - 0.25 * (0.3 - y)
    const blade = soft(border, 0.008 + edge) * soft(0.48 - y - 0.4 * (a - 0.35), 0.02) * soft(y - 0.13, 0.03)
    density += 0.06 * blade * (1 + 0.8 * soft(0.015 - Math.abs(border - 0.01), 0.01))
    const h = ((a - 0.475) * (a - 0.475) + (y - 0.17) * (y - 0.17)) / 0.003
    if (h < 1) density += 0.2 * (1 - h) * Math.sqrt(1 - h)
    density += 0.12 * soft(0.03 - Math.abs(a - 0.5), 0.02) * soft(y - 0.18, 0.03)
  }
  return density
}

/** A tube seen from the side, `distance` from its axis: bright cortex at both edges. */
function rib(distance: number, halfWidth: number, edge: number): number {
  const q = distance / halfWidth
  if (q > 1.6 || q < -1.6) return 0
  return (0.62 + 0.38 * Math.min(1, q * q)) * soft(halfWidth - Math.abs(distance), Math.max(0.002, edge))
}

/** Fills `canvas.attenuation` and `canvas.air` with the healthy chest. */
export function drawBody(canvas: Canvas, anatomy: Anatomy): void {
  const { size, attenuation, air, pixel } = canvas
  const { build } = anatomy
  const edge = 0.8 * pixel
  const sharp = Math.max(0.005, edge)
  const noise = NoiseTile.forSize(size)
  // Above this there is no diaphragm to look up.
  const highest = Math.min(...build.dome) - 0.05 - sharp
  const { x: x0, y: y0, dx, dy } = canvas.origin()
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      const x = x0 + i * dx - j * dy
      const y = y0 + i * dy + j * dx
      const a = x < 0 ? -x : x
      const side = x < 0 ? 0 : 1
      const trunk = anatomy.trunk.at(y)
      const skin = soft(trunk - a, sharp) * (y < 0.4 ? soft(y - anatomy.shoulder.at(a), sharp) : 1)
      if (skin === 0) {
        attenuation[j * size + i] = 0
        continue
      }
      const wall = anatomy.outer[side].at(y)
      const floor = y < highest ? 1 : anatomy.diaphragm[side].at(a)
      const inner = anatomy.inner[side].at(y)
      const above = soft(floor - y, sharp)
      const lateral = wall - a
      const heart = y < build.heartTop - 0.05 ? -1 : heartEdge(anatomy, x, y)

      let gas = 0
      if (lateral > -sharp && above > 0 && wall > 0) {
        const inside = clamp(lateral / 0.13, 0, 1)
        const depth = 0.3 + 0.7 * Math.sqrt(1 - (1 - inside) * (1 - inside))
        gas = depth * soft(lateral, sharp) * above * soft(a - inner, 1.6 * sharp)
        if (heart > -0.05) gas *= 1 - 0.8 * soft(heart, 1.5 * sharp)
      }
      air[j * size + i] = gas

      const texture = noise.at(x * 2 + build.textureU, y * 2 + build.textureV)
      const broad = noise.at(x * 0.7 + build.textureV, y * 0.7 + build.textureU)
      const round = Math.min(1, (trunk - a) / 0.3)
      let density =
        (0.55 + 0.5 * Math.sqrt(1 - (1 - round) * (1 - round))) * (1 + build.fat) +
        0.015 * texture +
        0.035 * broad
      // Neck and shoulders are thinner than the chest; the belly is thicker.
      density -= 0.3 * soft(0.16 - y, 0.16)
      density += 0.36 * (1 - above) * soft(y - 0.5, 0.1) * soft(lateral + 0.05, 0.05)
      density -= gas * (build.lucency - 0.022 * texture)
      density += 0.1 * soft(inner - a, 2.5 * sharp)
      if (heart > 0) density += 0.22 * Math.sqrt(Math.min(1, heart / 0.12)) * above
      // The belly scatters so much that bones hardly show in it.
      density += bones(anatomy, y, a, wall, edge) * (0.15 + above * (0.4 + 0.45 * gas))

      const middle = x - anatomy.spine.at(y)
      if (middle < 0.06 && middle > -0.06) {
        const bone = Math.abs(middle)
        const vertebra = y / 0.058 + build.ribPhase
        const disc = soft(Math.abs(vertebra - Math.round(vertebra)) - 0.12, 0.08 + edge * 8)
        density += (0.05 + 0.05 * disc) * soft(0.036 + 0.006 * disc - bone, Math.max(0.006, edge))
        if (y < 0.38) density -= 0.14 * soft(0.017 - bone, 0.006 + edge) * soft(0.37 - y, 0.04)
      }
      if (build.breast > 0 && y > build.breastY - 1.2 * build.breastRadius) {
        const u = (a - 0.235) / build.breastRadius
        const v = (y - build.breastY) / (0.8 * build.breastRadius)
        const q = 1 - u * u - v * v * (v > 0 ? 1 : 0.45)
        if (q > 0) density += build.breast * Math.sqrt(q)
      }
      if (build.bubble > 0 && x > 0 && y > floor) {
        const u = (x - build.bubbleX) / 0.06
        const v = (y - floor - 0.045) / 0.03
        const q = 1 - u * u - v * v + 0.25 * texture
        if (q > 0)
          density -=
            2 *
            build.bubble *
            Math.sqrt(Math.min(1, q)) *
            soft(0.02 - (y - floor - 0.045), Math.max(0.004, edge))
      }
      attenuation[j * size + i] = density * skin
    }
  }
}

/** Draws both lungs' arteries and veins as trees that leave the hila; `random` is the patient's, so they stay the same. */
export function drawVessels(canvas: Canvas, anatomy: Anatomy, random: Random): void {
  const grow = (x: number, y: number, angle: number, length: number, width: number, level: number): void => {
    const bend = angle + random.range(-0.15, 0.15)
    const endX = x + length * Math.cos(bend)
    const endY = y + length * Math.sin(bend)
    canvas.stroke(canvas.vessels, x, y, endX, endY, width, 0.035 + 14 * width)
    if (level === 0) return
    for (const turn of [-1, 1]) {
      const fork = bend + turn * random.range(0.15, 0.55)
      grow(endX, endY, fork, length * random.range(0.62, 0.9), width * random.range(0.6, 0.78), level - 1)
    }
  }
  for (const side of [0, 1] as const) {
    const hilum = lungPoint(anatomy, side, 0.06, 0.55)
    const outward = side === 0 ? -1 : 1
    // From nearly straight up to nearly straight down, mirrored for the patient's right lung; the lower lobes get more.
    for (const spread of [-1.25, -0.8, -0.35, 0.05, 0.45, 0.8, 1.1, 1.4]) {
      const slope = spread + random.range(-0.15, 0.15)
      const angle = outward > 0 ? slope : Math.PI - slope
      const start = hilum.y + 0.04 * spread
      grow(hilum.x, start, angle, random.range(0.06, 0.09), random.range(0.0055, 0.008), 4)
    }
    canvas.stroke(
      canvas.vessels,
      hilum.x,
      hilum.y - 0.03,
      hilum.x + outward * 0.012,
      hilum.y + 0.045,
      0.03,
      0.16,
    )
  }
}
