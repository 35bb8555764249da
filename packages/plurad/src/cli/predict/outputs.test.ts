import { csvParse } from 'd3-dsv'
import { expect, test } from 'vitest'
import { exampleInfo } from '../../../test/model-example.js'
import { longCsvOf } from './outputs.js'
import type { Outcome } from './results.js'

const info = { ...exampleInfo('guita_cnn', { name: 'linear' }, 64, ['a', 'b, c']), thresholds: [0.5, null] }
const predictions = {
  labels: info.labels,
  images: ['1.png', '2.png'],
  scores: Float64Array.of(0.5, 0.1, 0.25, 1),
}
const outcome: Outcome = { info, predictions, outOfDistribution: null, unreadable: [], warnings: [] }

test('a row a finding has probability, threshold and decision, and is blank where something is not known', () => {
  expect(longCsvOf(outcome).split('\n')).toEqual([
    'image,label,probability,calibrated,threshold,present,out_of_distribution:score,out_of_distribution:percentile,warning',
    '1.png,a,0.5,,0.5,1,,,',
    '1.png,"b, c",0.1,,,,,,',
    '2.png,a,0.25,,0.5,0,,,',
    '2.png,"b, c",1,,,,,,',
  ])
})

test('decisions are by calibrated probabilities, and what there is to know of an image is in each of its rows', () => {
  // Odds by three less: 0.5 becomes 0.25.
  const calibration = [{ method: 'platt' as const, slope: 1, intercept: -Math.log(3) }, null]
  const rows = csvParse(
    longCsvOf({
      ...outcome,
      info: { ...info, calibration },
      outOfDistribution: [
        { score: 2, percentile: 100 },
        { score: 0.5, percentile: 40 },
      ],
      warnings: [{ image: '1.png', reason: 'in colour' }],
    }),
  )
  expect(Number(rows[0]['calibrated'])).toBeCloseTo(0.25, 12)
  expect(rows.map((row) => row['present'])).toEqual(['0', '', '0', ''])
  expect(rows.map((row) => row['out_of_distribution:percentile'])).toEqual(['100', '100', '40', '40'])
  expect(rows.map((row) => row['warning'])).toEqual(['in colour', 'in colour', '', ''])
})
