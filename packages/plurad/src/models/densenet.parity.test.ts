import { readFileSync } from 'node:fs'
import { fromTypedArray, liveTensors, noGrad, optim, scope, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { bce } from '../losses/bce.js'
import { Classifier } from './classifier.js'

/** [L2 norm, sum, first, last] of a tensor. */
type Summary = [number, number, number, number]

interface Reference {
  eval_logits: number[]
  eval_logits_float32: number[]
  train_logits: number[]
  losses: number[]
  gradients: Record<string, Summary>
  buffers: Record<string, Summary>
  parameters: Record<string, Summary>
}

const reference = JSON.parse(
  readFileSync(new URL('../../test/fixtures/densenet/densenet121.json', import.meta.url), 'utf8'),
) as Reference

/** The hash that make.py uses: `count` numbers in [0, 1). */
function uniform(stream: number, count: number): Float64Array {
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(i, 2654435761 | 0) + stream * 40503 + 12345) >>> 0
    h = Math.imul(h ^ (h >>> 15), 2246822519 | 0) >>> 0
    h = Math.imul(h ^ (h >>> 13), 3266489917 | 0) >>> 0
    values[i] = ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
  }
  return values
}

const names = Array.from({ length: 14 }, (_, i) => `label ${i}`)

function makeModel(): Classifier {
  const model = new Classifier({
    backbone: { name: 'densenet121' },
    head: { name: 'linear' },
    size: 64,
    inChannels: 1,
    labels: names,
    mean: [0],
    std: [1],
  })
  model.to({ dtype: 'float64' })
  noGrad(() => {
    for (const [stream, [name, parameter]] of [...model.namedParameters()].entries()) {
      const { shape } = parameter
      const u = uniform(stream, parameter.numel)
      const bound = Math.sqrt(6 / shape.slice(1).reduce((a, b) => a * b, 1))
      const isScale = name.includes('norm') && name.endsWith('weight')
      parameter.copyFrom(
        u.map((v) => (shape.length > 1 ? (2 * v - 1) * bound : isScale ? 0.5 + v : (2 * v - 1) * 0.1)),
      )
    }
  })
  return model
}

/** torchvision's name of a parameter of ours. */
const torchvisionName = (name: string): string => name.replace(/^backbone\.|^head\./, '')

function summarise(tensor: Tensor): Summary {
  const values = tensor.detach().double().toFlatArray()
  let sum = 0
  let squares = 0
  for (const value of values) {
    sum += value
    squares += value * value
  }
  return [Math.sqrt(squares), sum, values[0], values[values.length - 1]]
}

/** Norms, first and last relative to themselves; the sum, which cancels, relative to the norm. */
function expectClose(got: Summary, wanted: Summary, tolerance: number, what: string): void {
  const norm = Math.abs(wanted[0])
  wanted.forEach((value, i) => {
    const scale = i === 1 ? norm * 30 : Math.max(Math.abs(value), norm * 1e-3)
    expect(Math.abs(got[i] - value), `${what} [${i}]: ${got[i]} against ${value}`).toBeLessThanOrEqual(
      tolerance * Math.max(scale, 1e-12),
    )
  })
}

describe('DenseNet-121 equals torchvision', () => {
  const pixels = (): Tensor =>
    fromTypedArray(
      uniform(100000, 4 * 64 * 64).map((v) => v * 2 - 1),
      [4, 1, 64, 64],
    )
  const targets = (): Tensor =>
    fromTypedArray(
      uniform(100001, 4 * 14).map((v) => (v < 0.9 ? Number(v > 0.7) : NaN)),
      [4, 14],
    )

  test('logits in evaluation mode', () => {
    const model = makeModel().eval()
    const logits = noGrad(() => scope(() => model.forward(pixels()).toFlatArray()))
    logits.forEach((value, i) => expect(value).toBeCloseTo(reference.eval_logits[i], 10))
    model.to({ dtype: 'float32' })
    const single = noGrad(() => scope(() => model.forward(pixels().float()).toFlatArray()))
    const scale = Math.max(...reference.eval_logits_float32.map(Math.abs))
    single.forEach((value, i) => {
      expect(Math.abs(value - reference.eval_logits_float32[i]) / scale).toBeLessThan(1e-5)
    })
  })

  test('logits, loss, every gradient, batch-norm statistics and five Adam steps', () => {
    const model = makeModel().train()
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
    const [x, y] = [pixels(), targets()]
    const losses: number[] = []
    const alive: number[] = []
    for (let step = 0; step < 5; step++) {
      optimizer.zeroGrad()
      const loss = scope(() => {
        const logits = model.forward(x)
        if (step === 0) {
          logits.toFlatArray().forEach((value, i) => expect(value).toBeCloseTo(reference.train_logits[i], 9))
        }
        return bce(logits, y)
      })
      loss.backward()
      losses.push(loss.item())
      loss.dispose()
      if (step === 0) {
        scope(() => {
          for (const [name, parameter] of model.namedParameters()) {
            const key = torchvisionName(name)
            const { grad } = parameter
            if (!grad) throw new Error(`${key} has no gradient`)
            expectClose(summarise(grad), reference.gradients[key], 1e-8, `gradient of ${key}`)
          }
          const buffers = [...model.namedBuffers()]
          expect(buffers).toHaveLength(Object.keys(reference.buffers).length)
          for (const [name, values] of buffers) {
            const key = torchvisionName(name)
            expectClose(summarise(values), reference.buffers[key], 1e-9, key)
          }
        })
      }
      optimizer.step()
      alive.push(liveTensors())
    }
    expect(new Set(alive).size).toBe(1)
    losses.forEach((value, i) => expect(value).toBeCloseTo(reference.losses[i], 7))
    const parameters = [...model.namedParameters()]
    expect(parameters).toHaveLength(364)
    scope(() => {
      // Adam divides by the gradient's size: where a gradient is nearly nothing, rounding decides the direction.
      for (const [name, parameter] of parameters) {
        const key = torchvisionName(name)
        expectClose(summarise(parameter), reference.parameters[key], 1e-5, key)
      }
    })
  })
})
