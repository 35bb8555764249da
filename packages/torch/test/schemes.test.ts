/** SAM, ASAM, moving averages and PESG against make_schemes.py, and what else each of them promises. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  aten,
  liveTensors,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  Parameter,
  randn,
  Scope,
  scope,
  SerializationError,
  tensor,
  type Tensor,
} from '../src/index.js'
import { decode, expectClose, expectReference, readFixture, type Encoded } from './reference.js'

let surroundings: Scope
beforeEach(() => {
  surroundings = new Scope()
})
afterEach(() => surroundings[Symbol.dispose]())

const reference = readFixture('schemes.json') as {
  start: Encoded[]
  inputs: Encoded
  signs: Encoded
  runs: Record<string, Encoded[][]>
  pesg: { w: number[]; alpha: number[] }[]
}

const one = (...values: number[]): Parameter => new Parameter(tensor(values, { dtype: 'float64' }))

describe('sharpness-aware minimisation', () => {
  type Made = [optim.Optimizer<{ lr: number }>, Partial<optim.SharpnessSettings>]
  const runs: Record<string, (parameters: readonly Parameter[]) => Made> = {
    'SAM with SGD': (p) => [new optim.SGD(p, { lr: 0.1, momentum: 0.9 }), {}],
    'SAM with Adam': (p) => [new optim.Adam(p, { lr: 0.02 }), { rho: 0.2 }],
    'ASAM with SGD': (p) => [new optim.SGD(p, { lr: 0.1 }), { rho: 0.5, adaptive: true }],
  }

  /** The function of make_schemes.py; the third parameter takes no part. */
  function loss([first, second]: readonly Parameter[]): Tensor {
    const margins = decode(reference.inputs).matmul(first).mul(decode(reference.signs))
    return margins.neg().exp().add(1).log().mean().add(second.sub(0.3).pow(4).sum().mul(0.1))
  }

  test.each(Object.entries(reference.runs))('%s moves as the numbers written out do', (name, history) => {
    const parameters = reference.start.map((values) => new Parameter(decode(values)))
    const [optimizer, settings] = runs[name](parameters)
    const sharpness = new optim.SharpnessAware(optimizer, settings)
    for (const expected of history) {
      scope(() => loss(parameters)).backward()
      sharpness.climb()
      scope(() => loss(parameters)).backward()
      sharpness.step()
      optimizer.zeroGrad()
      expectReference(parameters, expected)
    }
  })

  test('climbs by rho, drops the gradients, and is back to the last bit', () => {
    const [a, b, still] = [one(1, -0), one(1e-30, 3), one(7)]
    const optimizer = new optim.SGD([a, b, still], { lr: 1 })
    const sharpness = new optim.SharpnessAware(optimizer, { rho: 0.1 })
    const step = (): void => {
      a.grad = tensor([3, 0], { dtype: 'float64' })
      b.grad = tensor([0, 4], { dtype: 'float64' })
      sharpness.climb()
      expect([a.grad, b.grad]).toEqual([null, null])
      expectClose([...a.toFlatArray(), ...b.toFlatArray()], [1.06, 0, 1e-30, 3.08], 1e-12)
      expect(still.toFlatArray()).toEqual([7])
      sharpness.restore()
      expect([...a.toFlatArray(), ...b.toFlatArray()]).toEqual([1, -0, 1e-30, 3])
    }
    step()
    const live = liveTensors()
    for (let i = 0; i < 5; i++) scope(step)
    expect(liveTensors()).toBe(live)
  })

  test('without gradients does nothing; climbing twice and a step of no length are refused', () => {
    const weight = one(2)
    const sharpness = new optim.SharpnessAware(new optim.SGD([weight]), { rho: 1 })
    sharpness.climb()
    sharpness.step()
    expect(weight.toFlatArray()).toEqual([2])
    weight.grad = ones([1], { dtype: 'float64' })
    sharpness.climb()
    expect(() => sharpness.climb()).toThrow('climb() was called twice')
    expect(() => new optim.SharpnessAware(new optim.SGD([weight]), { rho: 0 })).toThrow('rho 0')
  })

  test('a second pass with frozen statistics leaves batch norm as it was, and computes with the batch', () => {
    manualSeed(3)
    const model = new nn.Sequential([new nn.Conv2d(2, 3, 3), new nn.BatchNorm2d(3), new nn.ReLU()]).train()
    const x = randn([4, 2, 6, 6])
    const first = model.forward(x)
    const before = [...model.namedBuffers()].map(([, value]) => value.toFlatArray())
    const second = nn.withFrozenStatistics(model, () => model.forward(x))
    expect([...model.namedBuffers()].map(([, value]) => value.toFlatArray())).toEqual(before)
    expect(second.toFlatArray()).toEqual(first.toFlatArray())
    expect(() =>
      nn.withFrozenStatistics(model, () => {
        throw new Error('out of luck')
      }),
    ).toThrow('out of luck')
    model.forward(x.add(1))
    const after = [...model.namedBuffers()].map(([, value]) => value.toFlatArray())
    expect(after.at(-1)).toEqual([2])
    expect(after).not.toEqual(before)
  })
})

describe('ExponentialMovingAverage', () => {
  test('is the closed form: d^n w_0 + (1 - d) sum of d^(n-k) w_k', () => {
    const weight = one(4, -1)
    const average = new optim.ExponentialMovingAverage([weight], { decay: 0.9, warmup: false })
    const seen = Array.from({ length: 12 }, (_, k) => [Math.sin(k), k * k - 3])
    for (const values of seen) {
      noGrad(() => weight.copy_(tensor(values, { dtype: 'float64' })))
      average.update()
    }
    const expected = [4, -1].map((start, i) =>
      seen.reduce(
        (sum, values, k) => sum + 0.1 * 0.9 ** (seen.length - 1 - k) * values[i],
        0.9 ** seen.length * start,
      ),
    )
    average.swap()
    expectClose(weight.toFlatArray(), expected, 1e-12)
    average.swap()
    expect(weight.toFlatArray()).toEqual(seen.at(-1))
  })

  test('warms its decay up: (1 + n) / (10 + n) until that is the decay', () => {
    const weight = one(0)
    const average = new optim.ExponentialMovingAverage([weight], { decay: 0.5, warmup: true })
    const decays = Array.from({ length: 10 }, () => {
      const { decay } = average
      average.update()
      return decay
    })
    expectClose(decays, [1 / 10, 2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15, 7 / 16, 8 / 17, 0.5, 0.5], 1e-15)
  })

  test('a weight that never changes has itself as its average, whatever the rounding', () => {
    const weight = new Parameter(tensor([0.1, 1 / 3, -7e-5]))
    const average = new optim.ExponentialMovingAverage([weight], { decay: 0.7 })
    for (let i = 0; i < 50; i++) average.update()
    const before = weight.toFlatArray()
    average.swap()
    expect(weight.toFlatArray()).toEqual(before)
  })

  test('stored in the middle and taken up again goes on alike, and leaks nothing', () => {
    const weights = [one(1, 2), one(3)]
    const make = (): optim.ExponentialMovingAverage =>
      new optim.ExponentialMovingAverage(weights, { decay: 0.8 })
    const [whole, first] = [make(), make()]
    const move = (k: number): void =>
      noGrad(() => scope(() => weights.forEach((weight, i) => weight.mul_(0.9).add_(Math.cos(k + i)))))
    for (let k = 0; k < 4; k++) {
      move(k)
      whole.update()
      first.update()
    }
    const second = make()
    second.loadStateDict(first.stateDict())
    const live = liveTensors()
    for (let k = 4; k < 8; k++) {
      move(k)
      whole.update()
      second.update()
    }
    expect(liveTensors()).toBe(live)
    const values = (average: optim.ExponentialMovingAverage): number[][] =>
      [...average.stateDict().tensors.values()].map((tensor) => tensor.toFlatArray())
    expect(values(second)).toEqual(values(whole))
    expect(second.stateDict().updates).toBe(8)
    expect(() => second.loadStateDict({ tensors: new Map(), updates: 0 })).toThrow(SerializationError)
  })

  test('does not take itself in', () => {
    const average = new optim.ExponentialMovingAverage([one(1)])
    average.swap()
    expect(average.swapped).toBe(true)
    expect(() => average.update()).toThrow('swap() first')
    expect(() => new optim.ExponentialMovingAverage([], { decay: 1 })).toThrow(RangeError)
  })
})

describe('PESG', () => {
  const make = (w: Parameter, alpha: Parameter): optim.PESG =>
    new optim.PESG(
      [
        { parameters: [w], momentum: 0.6, weightDecay: 0.01 },
        { parameters: [alpha], ascend: true },
      ],
      { lr: 0.05, proximal: 0.3 },
    )

  /** alpha (w0 - w1) - alpha^2 + (w - c)^2, as in make_schemes.py. */
  function loss(w: Parameter, alpha: Parameter): Tensor {
    const gap = w.select(0, 0).sub(w.select(0, 1))
    const off = w.sub(tensor([0.4, 0.9], { dtype: 'float64' }))
    return alpha.mul(gap).sub(alpha.pow(2)).sum().add(off.pow(2).sum())
  }

  function step(optimizer: optim.PESG, w: Parameter, alpha: Parameter): void {
    scope(() => loss(w, alpha)).backward()
    optimizer.step()
    optimizer.zeroGrad()
  }

  test('moves down, up and to its reference as the numbers written out do, over three stages', () => {
    const [w, alpha] = [one(0.6, 0.7), one(0.2, 0.01)]
    const optimizer = make(w, alpha)
    reference.pesg.forEach((expected, at) => {
      if (at === 3 || at === 6) optimizer.newStage()
      step(optimizer, w, alpha)
      expectClose(w.toFlatArray(), expected.w, 1e-12)
      expectClose(alpha.toFlatArray(), expected.alpha, 1e-12)
    })
    // The fixture is of use only where the projection is at work.
    expect(reference.pesg.some(({ alpha: values }) => values.includes(0))).toBe(true)
  })

  test('stopped in the middle of a stage, stored and continued is the same', () => {
    const [w, alpha] = [one(0.6, 0.7), one(0.2, 0.01)]
    const optimizer = make(w, alpha)
    for (let at = 0; at < 5; at++) {
      if (at === 3) optimizer.newStage()
      step(optimizer, w, alpha)
    }
    const [v, beta] = [new Parameter(w.clone()), new Parameter(alpha.clone())]
    const continued = make(v, beta)
    const { tensors, scalars } = optimizer.stateDict()
    continued.loadStateDict({ tensors, scalars: JSON.parse(JSON.stringify(scalars)) as typeof scalars })
    for (let at = 5; at < 9; at++) {
      if (at === 6) continued.newStage()
      step(continued, v, beta)
    }
    expectClose(v.toFlatArray(), reference.pesg[8].w, 1e-12)
    expectClose(beta.toFlatArray(), reference.pesg[8].alpha, 1e-12)
  })

  test('without a reference is stochastic gradient descent', () => {
    const [a, b] = [one(1, 2), one(1, 2)]
    const pesg = new optim.PESG([a], { lr: 0.1, momentum: 0.9, weightDecay: 0.2, proximal: 0 })
    const sgd = new optim.SGD([b], { lr: 0.1, momentum: 0.9, weightDecay: 0.2 })
    for (let i = 0; i < 4; i++) {
      for (const [weight, optimizer] of [[a, pesg] as const, [b, sgd] as const]) {
        weight.grad = aten.sin.default(weight.detach())
        optimizer.step()
      }
    }
    expect(a.toFlatArray()).toEqual(b.toFlatArray())
    expect([...pesg.stateDict().tensors.keys()]).toEqual(['0.momentum_buffer'])
  })
})
