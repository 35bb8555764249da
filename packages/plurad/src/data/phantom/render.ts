/** One radiograph: anatomy, findings, exposure, detector noise and side marker, as 8-bit grey values. */
import { buildAnatomy, projectAnteroposterior, sampleBuild, type Anatomy } from './anatomy.js'
import { drawBody, drawVessels } from './body.js'
import { Canvas, type Box } from './canvas.js'
import { findings, type FindingName } from './findings.js'
import { drawCollimation, drawMarker } from './marker.js'
import type { PhantomImage } from './patients.js'
import { hash32, hashOf, Random } from '../random.js'

/** A finding's place in the image, in pixels of that image. */
export interface FoundBox {
  finding: FindingName
  box: Box
}

export interface Radiograph {
  /** Grey values, `[size, size]` row by row, 0 (black, most exposed) to 255. */
  pixels: Uint8Array
  /** Every region a finding changed, the diffuse ones too. */
  boxes: FoundBox[]
}

/**
 * Draws an image of `size` x `size` pixels. The same image and size give the same bytes on any machine: all
 * randomness is integer arithmetic, and the last bit of a sine or exponential, which engines may round
 * differently, would have to meet a grey value within 1e-7 of a half to show.
 */
export function renderPhantom(image: PhantomImage, size: number): Radiograph {
  const { seed, patient, followUp } = image
  const anatomyRandom = new Random(seed, patient, 11)
  const acquisition = new Random(seed, patient, followUp, 13)
  const build = sampleBuild(anatomyRandom, image.age, image.sex)
  const supine = image.view === 'AP'
  if (supine) projectAnteroposterior(build)
  // A breath is never taken twice alike.
  const breath = acquisition.bounded(0, 0.008)
  build.dome = [build.dome[0] + breath, build.dome[1] + breath]

  const present = image.findings.map((finding) => {
    const { name, severity } = finding
    const index = findings.findIndex((entry) => entry.name === name)
    const entry = findings[index]
    // One stream a finding for what stays with the patient, one for what changes: dropping a finding moves nothing else.
    const stable = new Random(seed, patient, 17, index)
    const changing = new Random(seed, patient, followUp, 19, index)
    const side: 0 | 1 = stable.chance(entry.rightShare) ? 0 : 1
    return { entry, presence: { severity, side, stable, changing, supine } }
  })
  for (const { entry, presence } of present) entry.deform?.(build, presence)
  const anatomy: Anatomy = buildAnatomy(build)

  const spread = supine ? 1.5 : 1
  const canvas = new Canvas(size, {
    rotation: acquisition.bounded(0, 0.022 * spread),
    scale: acquisition.bounded(supine ? 1.03 : 1, 0.04),
    shiftX: acquisition.bounded(0, 0.02 * spread),
    shiftY: acquisition.bounded(0, 0.02 * spread),
  })
  drawBody(canvas, anatomy)
  drawVessels(canvas, anatomy, new Random(seed, patient, 23))

  const { attenuation, air, vessels } = canvas
  const boxes: FoundBox[] = []
  for (const { entry, presence } of present) {
    for (const box of entry.paint(canvas, anatomy, presence)) boxes.push({ finding: entry.name, box })
  }
  // After the findings, which may take vessels away (a collapsed lung) or the air around them (a filled one).
  for (let at = 0; at < attenuation.length; at++) attenuation[at] += vessels[at] * air[at] * build.vessels

  if (supine) drawLines(canvas, acquisition)
  const exposure = {
    centre: acquisition.bounded(supine ? 0.66 : 0.76, 0.07),
    gain: acquisition.bounded(supine ? 2.9 : 3.6, 0.35),
    quantum: acquisition.range(0.01, 0.028),
  }
  const pixels = expose(canvas, exposure, hashOf(seed, patient, followUp, 29))
  drawCollimation(pixels, size, acquisition)
  drawMarker(pixels, size, acquisition)
  return { pixels, boxes }
}

/** Wires and lines of a patient in bed: they tell a network of the bed, not of a finding. */
function drawLines(canvas: Canvas, random: Random): void {
  const layer = new Float32Array(canvas.size * canvas.size)
  for (let line = random.integer(4); line > 0; line--) {
    let x = random.range(-0.45, 0.45)
    let y = random.range(0, 0.3)
    let angle = random.range(0.6, 2.5)
    for (let part = 0; part < 12; part++) {
      const nextX = x + 0.05 * Math.cos(angle)
      const nextY = y + 0.05 * Math.sin(angle)
      canvas.stroke(layer, x, y, nextX, nextY, 0.0026, 0.22)
      x = nextX
      y = nextY
      angle += random.range(-0.35, 0.35)
    }
  }
  for (let at = 0; at < layer.length; at++) canvas.attenuation[at] += layer[at]
}

/**
 * The film's characteristic curve, grey = 255 / (1 + exp(-gain (density - centre))), with quantum noise before
 * it: fewer photons behind denser tissue, so the deviation grows with the square root of what was absorbed.
 */
function expose(
  canvas: Canvas,
  exposure: { centre: number; gain: number; quantum: number },
  key: number,
): Uint8Array {
  const { size, attenuation } = canvas
  // A larger pixel gathers more photons; scanners and resampling keep some noise all the same.
  const deviation = exposure.quantum * Math.sqrt(size / 512)
  const pixels = new Uint8Array(size * size)
  for (let at = 0; at < pixels.length; at++) {
    const density = attenuation[at]
    const bits = hash32(key ^ Math.imul(at + 1, 0x9e3779b1))
    // Four uniform bytes make a bell of deviation 147.8 round 510.
    const bell = ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) / 147.8
    const grain = deviation * bell * (0.45 + 0.75 * (density > 0 ? density : 0))
    const grey = 255 / (1 + Math.exp(exposure.gain * (exposure.centre - density - grain)))
    pixels[at] = Math.floor(grey + 0.5)
  }
  return pixels
}
