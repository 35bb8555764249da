import { liveTensors, manualSeed, randn, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { COVARIANCES, GaussianStatistics, type CovarianceKind } from './gaussian-statistics.js'
import { LabelGaussians } from './virtual-features.js'

const [LABELS, DIM] = [2, 3]

/** 400 images whose features lie elsewhere, and spread otherwise, for each value of each label. */
function example(kind: CovarianceKind, targetOf = (row: number, label: number) => (row >> label) & 1) {
  manualSeed(5)
  const targets = Float32Array.from({ length: 400 * LABELS }, (_, i) =>
    targetOf(Math.floor(i / LABELS), i % LABELS),
  )
  const statistics = new GaussianStatistics(LABELS, DIM, kind)
  const mixing = randn([DIM, DIM])
  statistics.add(randn([400, LABELS, DIM]).matmul(mixing).add(7), targets)
  return statistics
}

const rowsOf = (drawn: Tensor, label: number): Tensor => drawn.select(1, label).double()

function covarianceOf(x: Tensor): Tensor {
  const deviations = x.sub(x.mean(0))
  return deviations
    .transpose(0, 1)
    .matmul(deviations)
    .div(x.size(0) - 1)
}

describe.each(COVARIANCES)('with %s covariances', (kind) => {
  test('many have the mean and covariance that they are drawn from', () => {
    const statistics = example(kind)
    const gaussians = new LabelGaussians(statistics, 0, 'cpu')
    for (const value of [0, 1] as const) {
      const drawn = gaussians.draw(new Float32Array(20_000 * LABELS).fill(value), 3)
      expect(drawn.shape).toEqual([20_000, LABELS, DIM])
      for (let label = 0; label < LABELS; label++) {
        const x = rowsOf(drawn, label)
        const expected = statistics.covariance(value, label)
        const found = covarianceOf(x)
        const scale = expected.abs().max().item()
        // Four standard errors of 20,000 draws.
        const own = kind === 'diagonal' ? found.mul(eyeOf(DIM)).sum(0) : found
        expect(own.sub(expected).abs().max().item() / scale).toBeLessThan(0.04)
        expect(x.mean(0).sub(statistics.mean(value, label)).abs().max().item()).toBeLessThan(
          4 * Math.sqrt(scale / 20_000),
        )
      }
    }
  })
})

const eyeOf = (dim: number): Tensor => {
  const identity = randn([dim, dim]).zero_()
  for (let i = 0; i < dim; i++) identity.select(0, i).select(0, i).fill_(1)
  return identity
}

test('the seed alone names the noise; each target chooses its own distribution', () => {
  const gaussians = new LabelGaussians(example('diagonal'), 0, 'cpu')
  const draw = (targets: number[], seed: number): number[] =>
    gaussians.draw(Float32Array.from(targets), seed).toFlatArray()
  const ones = draw([1, 1], 9)
  const zeros = draw([0, 0], 9)
  manualSeed(77)
  expect(draw([1, 1], 9)).toEqual(ones)
  expect(draw([1, 1], 10)).not.toEqual(ones)
  expect(draw([1, 0], 9)).toEqual([...ones.slice(0, DIM), ...zeros.slice(DIM)])
})

test('a value seen once takes the covariance of the other; one never seen has no distribution', () => {
  const statistics = example('full', (row, label) => (label === 0 && row === 11 ? 1 : 0))
  const gaussians = new LabelGaussians(statistics, 0, 'cpu')
  expect(gaussians.drawable).toEqual([true, false])
  expect(gaussians.pooled).toEqual([0])
  const drawn = gaussians.draw(new Float32Array(20_000 * LABELS).fill(1), 3)
  const expected = statistics.covariance(0, 0)
  const difference = covarianceOf(rowsOf(drawn, 0)).sub(expected).abs().max().item()
  expect(difference / expected.abs().max().item()).toBeLessThan(0.04)
  expect(rowsOf(drawn, 0).mean(0).sub(statistics.mean(1, 0)).abs().max().item()).toBeLessThan(0.1)
})

test('more features than images, and features that never vary, can be drawn from', () => {
  const dim = 12
  for (const kind of COVARIANCES) {
    const statistics = new GaussianStatistics(1, dim, kind)
    statistics.add(randn([3, 1, dim]), [1, 1, 1])
    statistics.add(randn([1, 1, dim]).expand(5, 1, dim), [0, 0, 0, 0, 0])
    const gaussians = new LabelGaussians(statistics, 1e-3, 'cpu')
    const drawn = gaussians.draw(Float32Array.of(1, 1, 0, 0), 1)
    expect(drawn.isFinite().all().item()).toBe(1)
    const [first, second] = [2, 3].map((row) => drawn.select(0, row).toFlatArray())
    expect(first).toEqual(second)
    expect(drawn.select(0, 0).toFlatArray()).not.toEqual(drawn.select(0, 1).toFlatArray())
  }
})

test('drawing leaves no tensor behind', () => {
  const gaussians = new LabelGaussians(example('shrunk'), 0, 'cpu')
  const before = liveTensors()
  gaussians.draw(Float32Array.of(1, 0), 1).dispose()
  expect(liveTensors()).toBe(before)
})
