import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { allIntervals, bootstrap, groupLabels, readPredictionsNpz } from '../metrics/index.js'
import { labelIntervals } from './label-intervals.js'

const FILE = fileURLToPath(new URL('../../test/fixtures/metrics/predictions.npz', import.meta.url))

it('are those of the bootstrap of all figures', () => {
  const predictions = readPredictionsNpz(FILE)
  const thresholds = predictions.labels.map((_, c) => (c === 0 ? null : 0.4))
  const groups = groupLabels(predictions.labels.map((_, c) => [2000, 500, 20][c % 3]))
  const choice = { repetitions: 40, seed: 2, level: 0.9 }
  const found = labelIntervals(predictions, { ...choice, thresholds, groups })
  const distribution = bootstrap(predictions, { ...choice, jackknife: false, thresholds, groups })
  const all = allIntervals(distribution, { ...choice, method: 'percentile' })
  expect(found.labels.length).toBe(predictions.labels.length)
  expect(all).toMatchObject(found)
})
