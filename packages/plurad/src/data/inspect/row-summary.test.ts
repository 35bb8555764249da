import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { LabelValue, Sample } from '../dataset.js'
import { openDataset } from '../sets/open.js'
import { summariseRows } from './row-summary.js'

const row = (
  image: string,
  patient: string | null,
  labels: LabelValue[],
  more: Partial<Sample> = {},
): Sample => ({
  image,
  path: `/images/${image}`,
  patient,
  labels,
  metadata: { age: null, sex: null, view: null },
  ...more,
})

const about = (age: number | null, sex: 'F' | 'M' | null, view: string | null) => ({
  metadata: { age, sex, view },
})

describe('summariseRows', () => {
  const summary = summariseRows({
    labels: ['A', 'B', 'C'],
    samples: [
      row('1', 'p', [1, 1, 0], { ...about(61, 'F', 'PA'), split: 'train' }),
      row('2', 'p', [1, null, 0], { ...about(9, 'F', 'PA'), split: 'train', also: ['/images/2b', ''] }),
      row('3', 'q', [1, 0, null], { ...about(35, 'M', 'AP'), split: 'test' }),
      row('4', null, [0, 0, 0], about(null, null, null)),
      row('5', 'r', [0, 1, 0], { ...about(70, 'M', 'PA'), split: 'test' }),
    ],
    skipped: [{ image: '6', reason: 'no such file' }],
  })

  it('counts rows, images, patients and labels', () => {
    expect(summary).toMatchObject({
      ...{ rows: 5, images: 6, skipped: 1, patients: 3, rows_without_patient: 1 },
      ...{ patients_with_several: 1, most_rows_of_a_patient: 2, rows_a_patient: [0, 2, 1] },
      ...{ imbalance: 1.5, labels_a_row: [1, 3, 1], mean_labels: 1 },
      ...{ unknown_values: 2, rows_with_unknown: 2 },
    })
    expect(summary.labels).toEqual([
      { label: 'A', positives: 3, negatives: 2, unknown: 0, share: 0.6, patients: 2, group: 'head' },
      { label: 'B', positives: 2, negatives: 2, unknown: 1, share: 0.5, patients: 2, group: 'head' },
      { label: 'C', positives: 0, negatives: 4, unknown: 1, share: 0, patients: 0, group: 'absent' },
    ])
  })

  it('counts what comes together, and where that is known', () => {
    expect(summary.together).toEqual([
      [3, 1, 0],
      [1, 2, 0],
      [0, 0, 0],
    ])
    expect(summary.known).toEqual([
      [3, 2, 2],
      [2, 2, 2],
      [0, 0, 0],
    ])
  })

  it('counts metadata and splits', () => {
    expect(summary.age).toEqual({
      ...{ known: 4, unknown: 1, quartiles: [9, 35, 61, 61, 70] },
      decades: [1, 0, 0, 1, 0, 0, 1, 1],
    })
    expect(summary.sex).toEqual({
      values: [
        { value: 'F', rows: 2 },
        { value: 'M', rows: 2 },
      ],
      unknown: 1,
    })
    expect(summary.view.values).toEqual([
      { value: 'PA', rows: 3 },
      { value: 'AP', rows: 1 },
    ])
    expect(summary.splits).toEqual([
      { split: 'train', rows: 2, patients: 1, positives: [2, 1, 0] },
      { split: 'test', rows: 2, patients: 2, positives: [1, 1, 0] },
      { split: 'none', rows: 1, patients: 0, positives: [0, 0, 0] },
    ])
  })

  it('says nothing of what the data set does not have', () => {
    const empty = summariseRows({ labels: ['A'], samples: [row('1', null, [null])], skipped: [] })
    expect(empty).toMatchObject({ patients: null, imbalance: null, splits: null, mean_labels: 0 })
    expect(empty.labels[0]).toMatchObject({ share: null, patients: null, group: 'absent' })
    expect(empty.age).toEqual({ known: 0, unknown: 1, quartiles: null, decades: [0] })
  })
})

const repository = fileURLToPath(new URL('../../../../..', import.meta.url))
const data = process.env['PLURAD_DATA'] ?? join(repository, '..', 'shared', 'data')
const nih = join(data, 'nih1000-64px')
const here = existsSync(nih)

describe.skipIf(!here)(
  `1,000 real radiographs${here ? '' : ' (not there: put the data into shared/data)'}`,
  () => {
    it('have the counts that their description gives', async () => {
      const summary = summariseRows(await openDataset(nih))
      expect(summary).toMatchObject({ rows: 1000, patients: 264, imbalance: 170 / 9 })
      const positives = Object.fromEntries(summary.labels.map((label) => [label.label, label.positives]))
      expect(positives).toMatchObject({ Effusion: 170, Hernia: 9 })
      expect(summary.labels_a_row[0]).toBe(499)
      expect(summary.labels_a_row.slice(2).reduce((sum, rows) => sum + rows, 0)).toBe(213)
    })
  },
)
