import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../data/random.js'
import { ageAttribute, columnAttribute, metadataAttributes, type Attribute } from './attributes.js'
import { bootstrap } from './intervals/bootstrap.js'
import { allIntervals } from './intervals/metrics-intervals.js'
import { evaluateMultilabel } from './multilabel.js'
import type { Predictions } from './predictions.js'
import { selectImages, splitByPatient } from './select.js'
import { evaluateSubgroups } from './subgroups.js'

/** Images of several patients; finding A is common, B is rare. */
function drawn(images: number, seed = 1): Predictions {
  const random = new Random(seed)
  const truth = Float64Array.from({ length: 2 * images }, (_, at) =>
    random.chance(0.05) ? NaN : Number(random.chance(at % 2 === 0 ? 0.4 : 0.1)),
  )
  return {
    labels: ['A', 'B'],
    images: Array.from({ length: images }, (_, row) => `${row}.png`),
    patients: Array.from({ length: images }, (_, row) =>
      row % 11 === 0 ? null : `p${Math.floor((row * 3) / 5)}`,
    ),
    scores: truth.map((present) => 1 / (1 + Math.exp(1 - 2 * (present || 0) - random.normal()))),
    truth,
  }
}

const none = { bootstrap: null }

describe('evaluateSubgroups', () => {
  it('measures each group by itself: by hand', () => {
    const predictions: Predictions = {
      labels: ['A'],
      images: ['1', '2', '3', '4', '5', '6', '7'],
      patients: ['p', 'p', 'q', 'r', 'r', 's', null],
      scores: Float64Array.of(0.9, 0.2, 0.6, 0.7, 0.1, 0.8, 0.5),
      truth: Float64Array.of(1, 0, 0, 0, 0, 1, 1),
    }
    const sex: Attribute = { name: 'sex', values: ['F', 'F', 'F', 'M', 'M', 'M', null] }
    const { images, attributes } = evaluateSubgroups(predictions, [sex], { ...none, thresholds: [0.65] })
    expect(images).toBe(7)
    const [{ known, groups, comparable_labels: comparable }] = attributes
    expect({ known, comparable }).toEqual({ known: 6, comparable: [] })
    expect(
      groups.map(({ value, images: count, patients, small }) => [value, count, patients, small]),
    ).toEqual([
      ['F', 3, 2, true],
      ['M', 3, 2, true],
      ['unknown', 1, null, true],
    ])
    // Women: 0.9 above 0.6 and 0.2. Men: 0.8 above 0.7 and 0.1; 0.7 is called wrongly.
    expect(groups.map(({ metrics }) => metrics.labels[0].auc)).toEqual([1, 1, null])
    expect(groups.map(({ metrics }) => metrics.labels[0].precision)).toEqual([1, 0.5, null])
    expect(groups[1].comparable.auc).toEqual({ value: null, interval: null })
    expect(groups[0].notes[0]).toContain('3 images, fewer than 50')
  })

  it('gives the figures and intervals of the filtered table', () => {
    const choice = { repetitions: 8, seed: 3, method: 'percentile' as const, level: 0.9 }
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 99 }),
        fc.func(fc.constantFrom('x', 'y', null)),
        (count, seed, groupOf) => {
          const predictions = drawn(count, seed)
          const values = predictions.images.map((image) => groupOf(image))
          const thresholds = [0.4, null]
          const options = { thresholds, bootstrap: choice }
          const [{ groups }] = evaluateSubgroups(predictions, [{ name: 'g', values }], options).attributes
          expect(groups.reduce((sum, group) => sum + group.images, 0)).toBe(count)
          for (const group of groups) {
            const rows = [...values.keys()].filter((row) => (values[row] ?? 'unknown') === group.value)
            const filtered = selectImages(predictions, rows)
            expect(group.metrics).toEqual(evaluateMultilabel(filtered, thresholds))
            const distribution = bootstrap(filtered, { ...choice, jackknife: false, thresholds })
            expect(group.intervals).toEqual(allIntervals(distribution, choice))
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('compares groups on the labels that all of them have enough of', () => {
    const predictions = drawn(400)
    const values = predictions.images.map((_, row) => (row < 30 ? 'few' : row < 130 ? 'some' : 'many'))
    const options = { bootstrap: { repetitions: 50, seed: 0, method: 'percentile' as const, level: 0.95 } }
    const [{ groups, comparable_labels: labels }] = evaluateSubgroups(
      predictions,
      [{ name: 'site', values }],
      options,
    ).attributes
    // 'some' has 9 or fewer positives of B, 'few' is too small to count.
    const some = groups.find(({ value }) => value === 'some')
    expect(some?.metrics.labels[1].positives).toBeLessThan(10)
    expect(labels).toEqual(['A'])
    expect(groups.map(({ value }) => value)).toEqual(['many', 'some', 'few'])
    for (const { comparable, metrics, intervals, notes } of groups) {
      const [a] = metrics.labels
      expect(comparable.auc.value).toBe(a.auc)
      expect(comparable.auc.interval).toEqual(intervals?.labels[0].intervals['auc'])
      expect(notes.join().includes('B')).toBe(metrics.labels[1].positives < 10)
    }
  })

  it('refuses values that do not fit', () => {
    expect(() => evaluateSubgroups(drawn(3), [{ name: 'sex', values: ['F'] }], none)).toThrow(
      "Found 1 values of 'sex' for 3 images",
    )
  })
})

describe('attributes', () => {
  it('put ages into bands', () => {
    const { values, order } = ageAttribute([0, 17, 18, 39.5, 40, 59, 60, 79, 80, 104, null])
    expect(order).toEqual(['0-17', '18-39', '40-59', '60-79', '80+'])
    const expected = [
      '0-17',
      '0-17',
      '18-39',
      '18-39',
      '40-59',
      '40-59',
      '60-79',
      '60-79',
      '80+',
      '80+',
      null,
    ]
    expect(values).toEqual(expected)
    expect(columnAttribute('Patient Age', ['58', '', '7']).values).toEqual(['40-59', null, '0-17'])
  })

  it('take texts and few numbers as they are', () => {
    expect(columnAttribute('device', [' GE', 'Siemens', '']).values).toEqual(['GE', 'Siemens', null])
    const few = columnAttribute('stage', ['10', '9', '10'])
    expect(few).toEqual({ name: 'stage', values: ['10', '9', '10'], order: ['9', '10'] })
    const names = Array.from({ length: 21 }, (_, i) => `device ${i}`)
    expect(() => columnAttribute('device', names)).toThrow('21 different values')
  })

  it('cut many numbers at the quartiles, equal ones together', () => {
    const cells = Array.from({ length: 40 }, (_, i) => String(i))
    const { values, order } = columnAttribute('dose', cells)
    expect(order).toEqual(['0 to <10', '10 to <20', '20 to <30', '30+'])
    for (const name of order ?? []) expect(values.filter((value) => value === name)).toHaveLength(10)
    const heaped = [...Array.from({ length: 60 }, () => '5'), ...cells]
    expect(columnAttribute('dose', heaped).order).toEqual(['0 to <5', '5 to <15', '15+'])
  })

  it('of a data set are those of which two groups are known', () => {
    const patient = (age: number | null, sex: 'F' | 'M' | null, view: string | null) => ({ age, sex, view })
    const found = metadataAttributes([
      patient(30, 'F', 'PA'),
      patient(35, 'M', null),
      patient(null, 'M', 'PA'),
    ])
    expect(found.map(({ name }) => name)).toEqual(['sex'])
  })
})

describe('splitByPatient', () => {
  it('has every image once and no patient twice', () => {
    const predictions = drawn(200)
    const [first, second] = splitByPatient(predictions, 0.3, 7)
    expect([...first.images, ...second.images].sort()).toEqual([...predictions.images].sort())
    const patients = new Set(first.patients.filter((patient) => patient !== null))
    expect(second.patients.some((patient) => patient !== null && patients.has(patient))).toBe(false)
    expect(Math.abs(first.images.length - 60)).toBeLessThan(25)
    expect(splitByPatient(predictions, 0.3, 8)[0].images).not.toEqual(first.images)
  })
})
