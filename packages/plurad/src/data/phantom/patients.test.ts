import { expect, test } from 'vitest'
import { findings, type FindingName } from './findings.js'
import { normalQuantile, samplePhantoms } from './patients.js'

const images = samplePhantoms(1, 4000)
const has = (name: FindingName) => (image: (typeof images)[number]) =>
  image.findings.some((finding) => finding.name === name)
const share = (name: FindingName): number => images.filter(has(name)).length / images.length

test('quantiles of the normal distribution', () => {
  // Printed tables, to six places.
  expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 6)
  expect(normalQuantile(0.95)).toBeCloseTo(1.644854, 6)
  expect(normalQuantile(0.999)).toBeCloseTo(3.090232, 6)
  expect(normalQuantile(0.5)).toBeCloseTo(0, 12)
})

test.each(findings)('$name is about as frequent as the registry says', ({ name, prevalence }) => {
  // Images of one patient resemble each other: four standard errors of about 1,750 independent patients.
  const tolerance = 4 * Math.sqrt((prevalence * (1 - prevalence)) / 1750)
  expect(Math.abs(share(name) - prevalence)).toBeLessThan(tolerance)
  expect(share(name)).toBeGreaterThan(0)
})

test('the tail is long and about a quarter of the images show nothing', () => {
  const none = images.filter((image) => image.findings.length === 0).length / images.length
  expect(none).toBeGreaterThan(0.22)
  expect(none).toBeLessThan(0.32)
  expect(share('Infiltration')).toBeGreaterThan(0.45)
  expect(share('Hernia')).toBeLessThan(0.01)
})

test.each<[FindingName, FindingName]>([
  ['Effusion', 'Atelectasis'],
  ['Cardiomegaly', 'Edema'],
  ['Cardiomegaly', 'Effusion'],
  ['Edema', 'Effusion'],
  ['Pneumonia', 'Infiltration'],
  ['Pneumonia', 'Consolidation'],
  ['Emphysema', 'Pneumothorax'],
])('%s and %s come together more than by chance', (a, b) => {
  const both = images.filter((image) => has(a)(image) && has(b)(image)).length / images.length
  expect(both / (share(a) * share(b))).toBeGreaterThan(1.5)
})

test('a patient has one to six images, one sex, an age that does not fall, and much the same findings', () => {
  const patients = new Map<number, typeof images>()
  for (const image of images) patients.set(image.patient, [...(patients.get(image.patient) ?? []), image])
  const sizes = [...patients.values()].map((visits) => visits.length)
  expect(Math.max(...sizes)).toBe(6)
  expect(sizes.filter((size) => size === 1).length / sizes.length).toBeCloseTo(0.46, 1)
  let again = 0
  let before = 0
  for (const visits of patients.values()) {
    expect(new Set(visits.map((visit) => visit.sex)).size).toBe(1)
    visits.forEach((visit, index) => expect(visit.followUp).toBe(index))
    for (let k = 1; k < visits.length; k++) {
      expect(visits[k].age).toBeGreaterThanOrEqual(visits[k - 1].age)
      if (!has('Effusion')(visits[k - 1])) continue
      before++
      if (has('Effusion')(visits[k])) again++
    }
  }
  expect(again / before).toBeGreaterThan(2 * share('Effusion'))
})

test('a smaller set is the beginning of a larger one, and another seed is another set', () => {
  expect(samplePhantoms(1, 100)).toEqual(images.slice(0, 100))
  expect(samplePhantoms(2, 100)).not.toEqual(samplePhantoms(3, 100))
})
