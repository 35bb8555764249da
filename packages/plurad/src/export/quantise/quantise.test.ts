import { readFileSync } from 'node:fs'
import { noGrad, manualSeed, rand, scope } from '@plurad/torch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exampleInfo, LABELS } from '../../../test/model-example.js'
import { Classifier } from '../../models/classifier.js'
import { openSession } from '../../predict/node.js'
import type { NamedTensor } from '../../predict/runtime.js'
import { convertClassifier } from '../onnx/classifier.js'
import { encodeModel, type OnnxModel } from '../onnx/model.js'
import { refuseLoss } from './bound.js'
import { Comparison } from './comparison.js'
import { halfOf, withHalfWeights } from './float16.js'
import { Graph } from './graph.js'
import { quantise, quantiseWeight } from './int8.js'
import { lastWeightsOf, planOf } from './plan.js'
import { observe, rangesOf } from './ranges.js'
import type { PrecisionReport } from './reduce.js'

test('half precision is that of NumPy', () => {
  const file = new URL('../../../test/fixtures/quantise/half.json', import.meta.url)
  const pairs = JSON.parse(readFileSync(file, 'utf8')) as [number, number][]
  const value = new DataView(new ArrayBuffer(4))
  for (const [bits, half] of pairs) {
    value.setUint32(0, bits)
    expect(halfOf(value.getFloat32(0)), String(value.getFloat32(0))).toBe(half)
  }
  expect(halfOf(NaN) & 0x7c00).toBe(0x7c00)
  expect(halfOf(NaN) & 0x3ff).not.toBe(0)
})

test('weights of 8 bits are half a step off at most, in steps of their channel', () => {
  const weights = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(weights, fc.constantFrom<0 | 1>(0, 1), (list, axis) => {
      const { values, steps } = quantiseWeight(Float32Array.from(list), [3, 4], axis, [0, 0, 0, 0])
      expect(steps).toHaveLength(axis === 0 ? 3 : 4)
      list.forEach((weight, at) => {
        const step = steps[axis === 0 ? Math.floor(at / 4) : at % 4]
        expect(Math.abs(values[at])).toBeLessThanOrEqual(63)
        expect(Math.abs(values[at] * step - weight)).toBeLessThanOrEqual(step * 0.5001)
      })
    }),
  )
})

describe('observed ranges', () => {
  const observation = {
    values: ['a', 'b'],
    lows: [Float32Array.of(-1, 0), Float32Array.of(-3, 0)],
    highs: [Float32Array.of(1, 5), Float32Array.of(2, 7)],
  }

  test('are the extremes of all images or the mean of theirs', () => {
    expect([...rangesOf(observation, 'extremes').values()]).toEqual([
      { low: -3, high: 2 },
      { low: 0, high: 7 },
    ])
    expect(rangesOf(observation, 'mean').get('a')).toEqual({ low: -2, high: 1.5 })
  })
})

/** Random weights, with statistics of the norms that keep values in range through all layers. */
function make(backbone: string, size: number): OnnxModel {
  manualSeed(0)
  const settings = {
    backbone: { name: backbone },
    head: { name: 'linear' },
    inChannels: 1,
    size,
    labels: LABELS,
  }
  const model = new Classifier({ ...settings, mean: [0.45], std: [0.25] })
  // Batches in training mode fill the running statistics.
  const batches = [...model.stateDict()].some(([name]) => name.endsWith('running_var')) ? 2 : 0
  for (let batch = 0; batch < batches; batch++)
    noGrad(() => {
      scope(() => model.forward(rand([3, 1, size, size]).sub(0.45).div(0.25)))
    })
  model.eval()
  const graph = scope(() => convertClassifier(model, exampleInfo(backbone, { name: 'linear' }, size)))
  for (const [, tensor] of model.stateDict()) tensor.dispose()
  return graph
}

const imagesOf = (count: number, size: number): Record<string, NamedTensor>[] =>
  Array.from({ length: count }, (_, i) => ({
    pixels: {
      dims: [1, 1, size, size],
      data: Float32Array.from({ length: size * size }, (_, at) => {
        const [x, y] = [at % size, Math.floor(at / size)]
        return 0.5 + 0.5 * Math.sin((x * (i + 1)) / 9) * Math.cos((y * (i + 3)) / 11)
      }),
    },
  }))

/** Largest difference of a logit, over the largest logit; and the second file's size over the first's. */
async function compare(model: OnnxModel, other: OnnxModel, images: Record<string, NamedTensor>[]) {
  const [whole, small] = [encodeModel(model), encodeModel(other)]
  const [a, b] = [await openSession(whole, { threads: 1 }), await openSession(small, { threads: 1 })]
  try {
    expect(b.outputs).toEqual(a.outputs)
    let [largest, scale] = [0, 0]
    for (const image of images) {
      const [expected, actual] = [await a.run(image, ['logits']), await b.run(image, ['logits'])]
      expected['logits'].data.forEach((value, i) => {
        largest = Math.max(largest, Math.abs(value - actual['logits'].data[i]))
        scale = Math.max(scale, Math.abs(value))
      })
    }
    return { difference: largest / scale, share: small.length / whole.length }
  } finally {
    await a.close()
    await b.close()
  }
}

describe.each(['resnet18', 'mobilenet_v2', 'densenet121', 'vit_s_16'])('%s', (backbone) => {
  const size = 64
  const images = imagesOf(4, size)

  test('in 8 bits is a quarter of the size, within a tenth of its logits', async () => {
    const model = make(backbone, size)
    const graph = new Graph(model)
    const plan = planOf(graph)
    const values = [...new Set(plan.values.values())]
    const small = quantise(
      model,
      plan,
      rangesOf(await observe(model, values, images.slice(0, 3), 1), 'extremes'),
    )
    const { difference, share } = await compare(model, small, images)
    expect(share).toBeLessThan(0.34)
    expect(difference).toBeLessThan(0.1)
    // The layers at both ends are as they were.
    const untouched = new Set(
      small.initializers.filter(({ dtype }) => dtype === 'float32').map(({ name }) => name),
    )
    for (const name of lastWeightsOf(graph)) expect(untouched).toContain(name)
    const first = model.nodes.find(({ op }) => op === 'Conv')
    expect(untouched).toContain(first?.inputs[1])
  })
})

test('with weights in half precision a network has half the size and nearly the same logits', async () => {
  const model = make('mobilenet_v2', 64)
  const half = withHalfWeights(model, lastWeightsOf(new Graph(model)))
  const { difference, share } = await compare(model, half, imagesOf(4, 64))
  expect(share).toBeLessThan(0.55)
  expect(difference).toBeLessThan(2e-3)
  expect(difference).toBeGreaterThan(0)
})

test('what costs more than is allowed is refused, with the numbers', () => {
  const report: PrecisionReport = {
    ...{ precision: 'int8', images: 500, auc_float32: 0.8123, auc: 0.8081 },
    ...{ largest_difference: 0.1, mean_difference: 0.01, bytes: 1, bytes_float32: 4 },
    ...{ milliseconds: 1, milliseconds_float32: 2 },
  }
  expect(() => {
    refuseLoss(report, 0.003)
  }).toThrow(/loses 0\.0042 of its macro AUC on 500 validation images \(0\.8123 -> 0\.8081\)/)
  refuseLoss(report, 0.005)
  refuseLoss({ ...report, auc: 0.9 }, 0)
})

test('AUC of both networks is that of their probabilities', async () => {
  const session = (factor: number) => ({
    inputs: ['pixels'],
    outputs: ['probabilities'],
    shapes: new Map(),
    run: (inputs: Readonly<Record<string, NamedTensor>>) =>
      Promise.resolve({
        probabilities: { data: inputs['pixels'].data.map((x) => 0.5 + factor * x), dims: [4, 1] },
      }),
    close: () => Promise.resolve(),
  })
  const both = new Comparison(session(0.1), session(-0.1))
  const pixels = { data: Float32Array.of(1, 2, 3, 4), dims: [4, 1] }
  await both.add({ pixels }, [[0], [1], [0], [1]])
  // Pairs in order: (2 > 1), (4 > 1), (4 > 3) of four.
  expect(both.judge(['a'])).toMatchObject({ images: 4, auc_float32: 0.75, auc: 0.25 })
  expect(both.meanDifference).toBeCloseTo(0.5)
})
