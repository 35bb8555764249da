import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { DataError, RecipeError } from '../errors.js'
import type { LabelValue, Sample, Split } from './dataset.js'
import { chooseLabelled, readLabelled, withoutLabels, writeLabelled } from './labelled.js'

const folder = mkdtempSync(join(tmpdir(), 'plurad-labelled-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const LABELS = ['a', 'b', 'c']

function sample(image: string, patient: string | null, labels: readonly LabelValue[]): Sample {
  return { image, path: `/${image}`, patient, labels, metadata: { age: null, sex: null, view: null } }
}

/** 300 images of 100 patients: every third patient has `a`, every tenth `b`, one alone `c`; a fifth is not for training. */
const samples = Array.from({ length: 300 }, (_, i): Sample => {
  const patient = Math.floor(i / 3)
  return sample(`${i}.png`, `p${patient}`, [
    patient % 3 === 0 ? 1 : 0,
    patient % 10 === 0 ? 1 : 0,
    patient === 41 ? 1 : 0,
  ])
})
const assignment = samples.map((_, i): Split => (i < 240 ? 'train' : i < 270 ? 'val' : 'test'))
const dataset = { labels: LABELS, samples }
const trained = (kept: readonly boolean[]): Sample[] =>
  samples.filter((_, i) => kept[i] && assignment[i] === 'train')

describe('the choice of labelled images', () => {
  it('keeps so many, whole patients, and every label by its share', () => {
    for (const count of [30, 60, 120]) {
      const chosen = trained(chooseLabelled(dataset, assignment, { count, seed: 1 }))
      expect(Math.abs(chosen.length - count)).toBeLessThan(3)
      const patients = new Set(chosen.map(({ patient }) => patient))
      expect(chosen).toHaveLength(3 * patients.size)
      const positives = LABELS.map((_, label) => chosen.filter(({ labels }) => labels[label] === 1).length)
      // 81 and 24 of 240 have them.
      expect(Math.abs(positives[0] - (81 * count) / 240)).toBeLessThan(6)
      expect(Math.abs(positives[1] - (24 * count) / 240)).toBeLessThan(6)
      expect(positives[2]).toBe(3)
    }
  })

  it('keeps everything outside of training, depends on the seed, and on nothing else', () => {
    const choose = (seed: number): boolean[] => chooseLabelled(dataset, assignment, { count: 60, seed })
    expect(choose(1).slice(240).every(Boolean)).toBe(true)
    expect(choose(1)).toEqual(choose(1))
    expect(choose(2)).not.toEqual(choose(1))
  })

  it('is near what was asked for, whatever the patients', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 1, max: 19 }),
        fc.nat(),
        (patients, count, seed) => {
          const rows = patients.map((patient, i) => sample(`${i}`, `p${patient}`, [i % 4 === 0 ? 1 : 0]))
          const kept = chooseLabelled(
            { labels: ['a'], samples: rows },
            rows.map((): Split => 'train'),
            { count, seed },
          )
          const sizes = patients.map((patient) => patients.filter((other) => other === patient).length)
          const chosen = kept.filter(Boolean).length
          expect(chosen).toBeGreaterThan(0)
          expect(Math.abs(chosen - count)).toBeLessThanOrEqual(Math.max(...sizes))
          const ofChosen = new Set(patients.filter((_, i) => kept[i]))
          expect(patients.every((patient, i) => ofChosen.has(patient) === kept[i])).toBe(true)
        },
      ),
    )
  })

  it('passes over images that have no label anyway, and refuses to choose from too few', () => {
    const rows = [...samples.slice(0, 9), sample('unknown', 'px', [null, null, null])]
    const train = rows.map((): Split => 'train')
    const choose = (count: number): boolean[] =>
      chooseLabelled({ labels: LABELS, samples: rows }, train, { count, seed: 0 })
    expect(choose(6)[9]).toBe(false)
    expect(() => choose(9)).toThrow(RecipeError)
    expect(() => choose(9)).toThrow(/only 9 training images have labels/)
  })
})

describe('samples without labels', () => {
  it('keep all else', () => {
    const kept = chooseLabelled(dataset, assignment, { count: 60, seed: 1 })
    const changed = withoutLabels(samples, kept)
    changed.forEach((each, i) => {
      expect(each).toEqual(kept[i] ? samples[i] : { ...samples[i], labels: [null, null, null] })
    })
  })
})

describe('labelled.csv', () => {
  it('brings the choice back', async () => {
    const file = join(folder, 'labelled.csv')
    const kept = chooseLabelled(dataset, assignment, { count: 60, seed: 1 })
    await writeLabelled(file, dataset, assignment, kept)
    expect(readFileSync(file, 'utf8').split('\n')[0]).toBe('image,patient')
    expect(await readLabelled(file, dataset, assignment)).toEqual(kept)
  })

  it('of another data set is refused', async () => {
    const file = join(folder, 'other.csv')
    writeFileSync(file, 'image,patient\n299.png,p99\nelsewhere.png,p1\n')
    await expect(readLabelled(file, dataset, assignment)).rejects.toThrow(DataError)
    await expect(readLabelled(file, dataset, assignment)).rejects.toThrow(/2 of its images.*"299.png"/)
  })
})
