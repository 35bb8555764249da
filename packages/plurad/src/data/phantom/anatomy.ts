/**
 * A patient's chest as a few dozen numbers (`Build`) and the curves drawn from them (`Anatomy`).
 *
 * Chest space: lengths in image widths, x from the midline (-0.5 to 0.5, negative is the patient's right and
 * the image's left), y from the top (0 to 1). Densities are line integrals of attenuation: 1 is about the
 * soft tissue of a chest wall, and an aerated lung takes 0.75 away.
 */
import type { Random } from '../random.js'
import { Curve, soft } from './shapes.js'

/** A value for the patient's right side, then for the left. */
export type Pair = [number, number]

export interface Build {
  /** y of the lung apices. */
  lungTop: number
  /** Largest distance of the lung's outer edge from the midline. */
  lungWidth: Pair
  /** y of the diaphragm domes. */
  dome: Pair
  /** How far the costophrenic angle lies below the dome. */
  arch: number
  /** Density that full lung takes away; higher is blacker. */
  lucency: number
  /** Strength of the vessels' density, 1 is usual. */
  vessels: number
  /** Half the heart's width, how far its middle lies left of the midline, and y of its upper end. */
  heartWidth: number
  heartX: number
  heartTop: number
  /** Half width of the mediastinum, and how far the aortic knob stands out of it. */
  mediastinum: number
  knob: number
  ribSpacing: number
  ribPhase: number
  ribDrop: number
  ribDensity: number
  clavicleY: number
  clavicleTilt: number
  /** Half width of the trunk below the armpit. */
  trunk: number
  /** Extra density of subcutaneous fat. */
  fat: number
  /** Density of the breasts (0 for none) and their radius. */
  breast: number
  breastRadius: number
  breastY: number
  /** Sideways bend of the spine. */
  scoliosis: number
  bubble: number
  bubbleX: number
  /** Where in the noise tile this patient's texture begins. */
  textureU: number
  textureV: number
}

export function sampleBuild(random: Random, age: number, sex: 'F' | 'M'): Build {
  const female = sex === 'F'
  const old = Math.max(0, age - 45) / 40
  const size = random.bounded(female ? 0.96 : 1.02, 0.03)
  const width = 0.355 * size * random.bounded(1, 0.04)
  const right = random.bounded(0.68, 0.03) * (0.5 + 0.5 * size)
  const heart = random.bounded(1, 0.07)
  return {
    lungTop: random.bounded(0.125, 0.015),
    lungWidth: [width * random.bounded(1, 0.015), width * random.bounded(1.01, 0.015)],
    dome: [right, right + random.bounded(0.025, 0.016)],
    arch: random.bounded(0.088, 0.02),
    lucency: random.bounded(0.76, 0.035),
    vessels: random.bounded(1, 0.15),
    heartWidth: 0.14 * heart * size * (1 + 0.05 * old),
    heartX: random.bounded(0.045, 0.013),
    heartTop: right - random.bounded(0.26, 0.022),
    mediastinum: random.bounded(0.058, 0.007),
    knob: Math.max(0.006, random.bounded(0.014 + 0.014 * old, 0.005)),
    ribSpacing: random.bounded(0.066, 0.003),
    ribPhase: random.next(),
    ribDrop: random.bounded(1, 0.15),
    ribDensity: Math.max(0.08, random.bounded(0.165 - 0.03 * old, 0.025)),
    clavicleY: random.bounded(0.185, 0.018),
    clavicleTilt: random.bounded(0.22, 0.06),
    trunk: random.bounded(0.455, 0.025) * size,
    fat: Math.max(0, random.bounded(0.1, 0.07)),
    breast: female ? Math.max(0.03, random.bounded(0.15, 0.06)) : Math.max(0, random.bounded(0, 0.02)),
    breastRadius: random.bounded(0.15, 0.02),
    breastY: right - random.bounded(0.03, 0.03) + 0.03 * old,
    scoliosis: random.bounded(0, 0.008 + 0.006 * old),
    bubble: random.bounded(0.14, 0.08),
    bubbleX: random.bounded(0.17, 0.03),
    textureU: random.next(),
    textureV: random.next(),
  }
}

/** Lying or sitting before the tube: less air, a larger heart, shoulders up and arms down. */
export function projectAnteroposterior(build: Build): void {
  build.dome = [build.dome[0] - 0.03, build.dome[1] - 0.03]
  build.heartWidth *= 1.1
  build.heartTop -= 0.025
  build.mediastinum *= 1.12
  build.lucency -= 0.04
  build.clavicleY -= 0.02
  build.trunk += 0.07
  build.breastY += 0.02
  build.bubble *= 0.4
}

export interface Anatomy {
  build: Build
  /** Outer edge of each lung, as a distance from the midline, by y. */
  outer: [Curve, Curve]
  /** Mediastinal edge of each lung, as a distance from the midline, by y (without the heart). */
  inner: [Curve, Curve]
  /** Edges of the heart, as distances from the midline, by y: the patient's right and left. */
  heart: [Curve, Curve]
  /** y of each half of the diaphragm, by distance from the midline. */
  diaphragm: [Curve, Curve]
  /** y of the shoulders' skin, by distance from the midline. */
  shoulder: Curve
  /** Half width of the trunk, by y. */
  trunk: Curve
  /** x of the spine, by y. */
  spine: Curve
}

export function buildAnatomy(build: Build): Anatomy {
  const outer = (side: 0 | 1): Curve => {
    const bottom = build.dome[side] + build.arch
    return new Curve(0, 1, (y) => {
      const t = (y - build.lungTop) / (bottom - build.lungTop)
      if (t <= 0) return 0
      const s = Math.max(0, 1 - t)
      return build.lungWidth[side] * (0.9 + 0.1 * Math.min(t, 1)) * Math.sqrt(1 - s * s * s * s * 0.97)
    })
  }
  const diaphragm = (side: 0 | 1): Curve => {
    const peak = 0.45 * build.lungWidth[side]
    return new Curve(0, 0.5, (distance) => {
      const lateral = (distance - peak) / (build.lungWidth[side] - peak)
      const fall =
        lateral > 0
          ? build.arch * lateral * lateral * (0.6 + 0.4 * lateral)
          : 0.25 * build.arch * lateral * lateral
      // Both halves meet at one height behind the heart.
      const middle = (build.dome[0] + build.dome[1]) / 2 + 0.02
      const own = soft(distance - 0.07, 0.07)
      return own * (build.dome[side] + fall) + (1 - own) * middle
    })
  }
  const m = build.mediastinum
  const { heartTop, heartWidth, heartX } = build
  const right = heartWidth - heartX
  const left = heartWidth + heartX
  const arm = Math.max(build.trunk, 0.5)
  return {
    build,
    outer: [outer(0), outer(1)],
    diaphragm: [diaphragm(0), diaphragm(1)],
    inner: [
      Curve.through([0, m], [0.2, 0.9 * m], [0.33, m], [0.44, 1.15 * m], [0.6, m], [1, m]),
      Curve.through(
        [0, m],
        [0.22, 0.9 * m],
        [0.32, m + build.knob],
        [0.385, 0.95 * m],
        [0.45, 1.2 * m],
        [0.6, m],
        [1, m],
      ),
    ],
    heart: [
      Curve.through(
        [heartTop, 0.8 * m],
        [heartTop + 0.06, m],
        [heartTop + 0.14, 0.9 * right],
        [heartTop + 0.2, right],
        [heartTop + 0.3, 0.85 * right],
      ),
      Curve.through(
        [heartTop, 0.8 * m],
        [heartTop + 0.05, 1.15 * m],
        [heartTop + 0.12, 0.5 * m + 0.5 * left],
        [heartTop + 0.2, 0.9 * left],
        [heartTop + 0.245, left],
        [heartTop + 0.3, 0.96 * left],
      ),
    ],
    shoulder: Curve.through(
      [0, -0.1],
      [0.1, -0.06],
      [0.16, 0.03],
      [0.3, 0.075],
      [0.45, 0.1],
      [0.55, 0.18],
      [0.7, 0.3],
    ),
    trunk: Curve.through(
      [0, 0.62],
      [0.2, 0.6],
      [0.36, arm + 0.03],
      [0.5, build.trunk],
      [0.75, build.trunk - 0.005],
      [1, build.trunk + 0.02],
    ),
    spine: Curve.through([0, 0], [0.3, build.scoliosis], [0.6, -build.scoliosis], [1, 0]),
  }
}

/** A point of a lung: `across` 0 at the mediastinum to 1 at the chest wall, `down` 0 at the apex to 1 at the diaphragm. */
export function lungPoint(
  anatomy: Anatomy,
  side: 0 | 1,
  across: number,
  down: number,
): { x: number; y: number } {
  const { lungTop, lungWidth } = anatomy.build
  const floor = anatomy.diaphragm[side].at((0.3 + 0.55 * across) * lungWidth[side])
  const y = lungTop + down * (floor - lungTop)
  const inside = anatomy.inner[side].at(y)
  const distance = inside + across * (anatomy.outer[side].at(y) - inside)
  return { x: side === 0 ? -distance : distance, y }
}
