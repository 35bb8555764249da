import { describe, expect, it } from 'vitest'
import { parseModelInfo } from './model-info.js'

const info = {
  plurad: '0.1.0',
  labels: ['Effusion', 'Hernia'],
  backbone: 'resnet18',
  head: 'linear',
  value_range: [0, 1],
  mean: [0.5],
  std: [0.25],
  thresholds: [0.3, null],
  calibration: null,
  data_fingerprint: 'abc',
  best_epoch: 3,
  licence: null,
  recipe: { name: 'example' },
}
const parse = (changes: object) => parseModelInfo(JSON.stringify({ ...info, ...changes }), 'model.onnx')

describe('parseModelInfo', () => {
  it('reads files without calibration, as earlier versions wrote them', () => {
    expect(parse({})).toMatchObject({ calibration: null, thresholds: [0.3, null], vectors: null })
  })

  it('reads a calibration of every kind, null for a label without', () => {
    const calibration = [
      { method: 'isotonic', scores: [0.1, 0.9], probabilities: [0, 0.4] },
      { method: 'platt', slope: 0.8, intercept: -0.2 },
    ]
    expect(parse({ calibration }).calibration).toEqual(calibration)
    const one = [{ method: 'temperature', temperature: 1.7 }, null]
    expect(parse({ calibration: one }).calibration).toEqual(one)
  })

  it.each([
    ['of another number of labels', [{ method: 'temperature', temperature: 2 }], 'one entry a label'],
    ['without its parameters', [{ method: 'platt', slope: 1 }, null], 'calibration'],
    ['of no temperature', [{ method: 'temperature', temperature: 0 }, null], 'calibration'],
  ])('refuses a calibration %s', (_, calibration, message) => {
    expect(() => parse({ calibration })).toThrow(message)
  })
})
