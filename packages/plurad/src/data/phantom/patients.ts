/** Who is in the data set: patients, their images, and which findings each image has. Nothing is drawn here. */
import { causes, findings, type FindingName } from './findings.js'
import { Random } from '../random.js'
import { clamp } from './shapes.js'

/** One image to draw. */
export interface PhantomImage {
  seed: number
  /** From 1. */
  patient: number
  /** From 0, in order of time. */
  followUp: number
  /** Years. */
  age: number
  sex: 'F' | 'M'
  view: 'PA' | 'AP'
  /** What is there, with its severity from 0 to 1; most frequent finding first. */
  findings: { name: FindingName; severity: number }[]
}

/** Probabilities of 1, 2, … 6 images a patient. */
const imagesAPatient = [0.46, 0.21, 0.13, 0.09, 0.06, 0.05]

/** Share of a liability's variance that stays with the patient from image to image. */
const constancy = 0.65

/**
 * The first `count` images of the endless sequence that a seed names: a larger count only adds to a smaller
 * one's. Patients come whole but for the last, whose later images the count may cut off.
 */
export function samplePhantoms(seed: number, count: number): PhantomImage[] {
  const images: PhantomImage[] = []
  for (let patient = 1; images.length < count; patient++) {
    images.push(...samplePatient(seed, patient).slice(0, count - images.length))
  }
  return images
}

function samplePatient(seed: number, patient: number): PhantomImage[] {
  const random = new Random(seed, patient, 3)
  const sex = random.chance(0.44) ? 'F' : 'M'
  let age = Math.round(clamp(random.normal(49, 17), 18, 94))
  const stable = { causes: causes.map(() => random.normal()), own: findings.map(() => random.normal()) }
  const severities = findings.map(() => random.next())
  const roll = random.next()
  let images = 1
  for (let sum = imagesAPatient[0]; roll >= sum && images < imagesAPatient.length; images++)
    sum += imagesAPatient[images]

  return Array.from({ length: images }, (_, followUp) => {
    const visit = new Random(seed, patient, followUp, 5)
    if (followUp > 0 && visit.chance(0.25)) age++
    const [share, rest] = [Math.sqrt(constancy), Math.sqrt(1 - constancy)]
    const cause = stable.causes.map((value) => share * value + rest * visit.normal())
    const present = findings.flatMap((finding, index) => {
      const own = share * stable.own[index] + rest * visit.normal()
      const jitter = visit.normal(0, 0.12)
      const loads = causes.map((name) => finding.load[name] ?? 0)
      const explained = loads.reduce((sum, load) => sum + load * load, 0)
      const liability = loads.reduce((sum, load, k) => sum + load * cause[k], Math.sqrt(1 - explained) * own)
      if (liability < thresholds[index]) return []
      return [{ name: finding.name, severity: clamp(severities[index] + jitter, 0, 1) }]
    })
    // The sick are examined in bed.
    const view = visit.normal(0.9 * cause[0], 0.8) > 0.45 ? 'AP' : 'PA'
    return { seed, patient, followUp, age, sex, view, findings: present }
  })
}

/** What each finding's liability has to exceed. */
const thresholds = findings.map((finding) => normalQuantile(1 - finding.prevalence))

/** The z with P(Z < z) = p for a standard normal Z, by Newton's method on the distribution function; p in (0.5, 1). */
export function normalQuantile(p: number): number {
  let z = 0
  for (let step = 0; step < 60; step++) {
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
    // Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/15 + …), which converges for every z.
    let term = z
    let sum = z
    for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
      term *= (z * z) / k
      sum += term
    }
    const error = 0.5 + density * sum - p
    z -= error / density
    if (Math.abs(error) < 1e-14) break
  }
  return z
}
