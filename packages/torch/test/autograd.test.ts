import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  arange,
  aten,
  backward,
  enableGrad,
  EngineError,
  fromTypedArray,
  grad,
  isGradEnabled,
  liveTensors,
  noGrad,
  ones,
  randn,
  Scope,
  scope,
  setNumThreads,
  tensor,
  type Tensor,
} from '../src/index.js'
import { decode, expectReference, readFixture, type Encoded } from './reference.js'

setNumThreads(1)

let surroundings: Scope
let before: number
beforeEach(() => {
  before = liveTensors()
  surroundings = new Scope()
})
afterEach(() => {
  surroundings[Symbol.dispose]()
  expect(liveTensors()).toBe(before)
  expect(isGradEnabled()).toBe(true)
})

const leaf = (values: Parameters<typeof tensor>[0]): Tensor =>
  tensor(values, { dtype: 'float64' }).requiresGrad_()

/** A gradient that has to be there. */
function gradientOf(x: Tensor): Tensor {
  const gradient = x.grad
  if (!gradient) throw new Error('there is no gradient')
  return gradient
}

interface Composite {
  inputs: Encoded[]
  value: Encoded
  gradients: Encoded[]
  second: Encoded[]
}

const composites: Record<string, (...inputs: Tensor[]) => Tensor> = {
  perceptron: (x, w1, b1, w2) => aten.linear.default(x, w1, b1).tanh().matmul(w2).logsumexp(1).sum(),
  convolution: (x, kernel, scale, shift, head) => {
    const y = aten.conv2d.default(x, kernel, null, 2, 1)
    const normed = aten.batch_norm.default(y, scale, shift, null, null, true, 0.1, 1e-5, false).relu()
    const logits = aten.linear.default(aten.max_pool2d.default(normed, 2).flatten(1), head)
    const targets = arange(0, logits.numel).view(...logits.shape)
    return aten.binary_cross_entropy_with_logits.default(logits, aten.remainder.Scalar(targets, 2).double())
  },
  attention: (q, k, v) => {
    const weights = q.matmul(k.transpose(-1, -2)).div(2).softmax(-1)
    return aten.layer_norm
      .default(weights.matmul(v), [v.size(-1)])
      .pow(2)
      .mul(v)
      .sum()
  },
  smooth: (x, y) =>
    x
      .mul(0.5)
      .exp()
      .mul(y.sigmoid())
      .add(x.mul(x).log1p().div(y.mul(y).add(1)))
      .mean(),
}

describe('gradients of composite functions', () => {
  const reference = Object.entries(readFixture('autograd.json') as Record<string, Composite>)
  test.each(reference)('%s: value, gradients, second derivatives as in PyTorch', (name, expected) => {
    const inputs = expected.inputs.map((input) => decode(input).requiresGrad_())
    const value = composites[name](...inputs)
    expectReference(value, expected.value)
    const gradients = grad(value, inputs, { createGraph: true })
    expectReference(gradients, expected.gradients)
    const half = gradients
      .flatMap((gradient) => (gradient ? [gradient.mul(gradient).sum()] : []))
      .reduce((sum, square) => sum.add(square))
      .div(2)
    expectReference(grad(half, inputs), expected.second, 1e-9)
    // grad() leaves .grad alone; backward fills it with the same numbers.
    expect(inputs.map((input) => input.grad)).toEqual(inputs.map(() => null))
    backward(composites[name](...inputs))
    expectReference(
      inputs.map((input) => input.grad),
      expected.gradients,
    )
  })
})

/** Smooth functions of one variable, defined everywhere. */
const smoothFunctions: Record<string, (x: Tensor) => Tensor> = {
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  square: (x) => x.mul(x),
  scale: (x) => x.mul(-0.7).add(0.3),
  logSigmoid: (x) => x.logSigmoid(),
  softmax: (x) => x.softmax(0),
  soft: (x) => x.exp().log1p(),
  root: (x) => x.mul(x).add(1).sqrt(),
  cumsum: (x) => x.cumsum(0),
  flip: (x) => x.flip(0).mul(x),
  gelu: (x) => aten.gelu.default(x),
}

test('gradients agree with finite differences for random compositions', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...Object.keys(smoothFunctions)), { minLength: 1, maxLength: 4 }),
      fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 4 }),
      (names, values) => {
        scope(() => {
          const evaluate = (x: Tensor): Tensor =>
            names.reduce((y, name) => smoothFunctions[name](y), x).mean()
          const [gradient] = grad(evaluate(leaf(values)), [leaf(values)], { allowUnused: true })
          expect(gradient).toBeNull()

          const x = leaf(values)
          const analytic = grad(evaluate(x), [x])[0]?.toFlatArray() ?? []
          const step = 1e-6
          values.forEach((_, i) => {
            const moved = (by: number): number =>
              evaluate(
                tensor(
                  values.map((v, j) => (j === i ? v + by : v)),
                  { dtype: 'float64' },
                ),
              ).item()
            const numeric = (moved(step) - moved(-step)) / (2 * step)
            expect(Math.abs(analytic[i] - numeric)).toBeLessThan(1e-5 * Math.max(1, Math.abs(numeric)))
          })
        })
      },
    ),
    { numRuns: 60 },
  )
})

describe('backward', () => {
  test('accumulates until the gradient is set to null', () => {
    const x = leaf([1, 2])
    x.mul(x).sum().backward()
    x.mul(3).sum().backward()
    expect(gradientOf(x).toFlatArray()).toEqual([5, 7])
    x.grad = null
    expect(x.grad).toBeNull()
    x.grad = ones([2], { dtype: 'float64' })
    x.sum().backward()
    expect(gradientOf(x).toFlatArray()).toEqual([2, 2])
    expect(() => (x.grad = ones([1], { dtype: 'float64' }))).toThrow(
      'grad: a gradient has the shape and the dtype',
    )
    expect(() => (x.grad = ones([2]))).toThrow(TypeError)
    expect(gradientOf(x).toFlatArray()).toEqual([2, 2])
  })

  test('weights outputs by the gradient given', () => {
    const x = leaf([1, 2])
    x.mul(x).backward(tensor([1, 10], { dtype: 'float64' }))
    expect(gradientOf(x).toFlatArray()).toEqual([2, 40])
    const y = leaf([3])
    backward([y.mul(2), y.mul(y)], {
      gradients: [tensor([1], { dtype: 'float64' }), tensor([0.5], { dtype: 'float64' })],
    })
    expect(gradientOf(y).toFlatArray()).toEqual([5])
  })

  test('frees the graph unless it is retained', () => {
    const x = leaf([2])
    const y = x.mul(x).sum()
    y.backward(undefined, { retainGraph: true })
    y.backward()
    expect(gradientOf(x).toFlatArray()).toEqual([8])
    expect(() => y.backward()).toThrow(EngineError)
    expect(() => y.backward()).toThrow(/^backward: .*second time/s)
  })

  test('only fills the inputs asked for', () => {
    const [x, y] = [leaf([2]), leaf([3])]
    backward(x.mul(y), { inputs: [x] })
    expect(gradientOf(x).toFlatArray()).toEqual([3])
    expect(y.grad).toBeNull()
  })

  test('createGraph makes the gradient differentiable', () => {
    const x = leaf([2])
    x.pow(3).sum().backward(undefined, { createGraph: true })
    const first = gradientOf(x)
    expect(first.requiresGrad).toBe(true)
    const [second] = grad(first, [x], { createGraph: true })
    expect(second?.item()).toBe(12)
    expect(grad(second ?? x, [x])[0]?.item()).toBe(6)
    x.grad = null
  })

  test('needs a scalar, and something that was recorded', () => {
    expect(() => leaf([1, 2]).mul(2).backward()).toThrow(/^backward: .*scalar outputs/s)
    expect(() => tensor([1]).sum().backward()).toThrow(/^backward: .*does not require grad/s)
  })
})

describe('grad', () => {
  test('gives null for unused inputs where that is allowed', () => {
    const [x, unused] = [leaf([2]), leaf([3])]
    const [first, second] = grad(x.mul(x), [x, unused], { allowUnused: true })
    expect(first?.item()).toBe(4)
    expect(second).toBeNull()
    expect(() => grad(x.mul(x), [x, unused])).toThrow(/^grad: .*unused|not.*used/is)
  })

  test('sums over outputs', () => {
    const x = leaf([2])
    const [gradient] = grad([x.mul(2).sum(), x.mul(x).sum()], [x])
    expect(gradient?.item()).toBe(6)
  })
})

describe('modes', () => {
  test('nest and give results through', () => {
    const x = leaf([1])
    expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false)
    expect(noGrad(() => enableGrad(() => x.mul(2).requiresGrad))).toBe(true)
    expect(noGrad(() => [isGradEnabled(), enableGrad(isGradEnabled), isGradEnabled()])).toEqual([
      false,
      true,
      false,
    ])
  })

  test('are restored after exceptions', () => {
    const boom = (): never => {
      throw new Error('boom')
    }
    expect(() => noGrad(boom)).toThrow('boom')
    expect(isGradEnabled()).toBe(true)
    noGrad(() => {
      expect(() => enableGrad(boom)).toThrow('boom')
      expect(isGradEnabled()).toBe(false)
      expect(() => noGrad(boom)).toThrow('boom')
      expect(isGradEnabled()).toBe(false)
    })
    expect(() => noGrad(() => tensor([1, 2]).view(3))).toThrow(EngineError)
    expect(isGradEnabled()).toBe(true)
  })

  test('detach shares values and records nothing; leaves and results know what they are', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    const detached = y.detach()
    expect([x.isLeaf, y.isLeaf, detached.isLeaf]).toEqual([true, false, true])
    expect([x.requiresGrad, y.requiresGrad, detached.requiresGrad]).toEqual([true, true, false])
    detached.fill_(7)
    expect(y.toFlatArray()).toEqual([7, 7])
    expect(x.requiresGrad_(false).requiresGrad).toBe(false)
    expect(x.mul(2).requiresGrad).toBe(false)
    expect(() => y.requiresGrad_(false)).toThrow(EngineError)
  })

  test('a leaf that is learned cannot be overwritten while recording', () => {
    const x = leaf([1, 2])
    expect(() => x.mul_(2)).toThrow(/aten::mul_.* leaf Variable/s)
    noGrad(() => x.mul_(2))
    expect(x.toFlatArray()).toEqual([2, 4])
    // Raw bytes go past autograd.
    x.copyFrom(Float64Array.of(5, 6))
    expect(x.toFlatArray()).toEqual([5, 6])
    expect(x.requiresGrad).toBe(true)
  })

  test('a value that backward needs must not have been changed', () => {
    const x = leaf([1, 2])
    const y = x.exp()
    const z = y.mul(y)
    y.add_(1)
    expect(() => z.sum().backward()).toThrow(/modified by an inplace operation/)
  })
})

test('gradients survive the scope of the forward pass', () => {
  const weight = randn([8, 8]).requiresGrad_()
  const loss = scope(() => {
    let y = fromTypedArray(new Float32Array(8).fill(0.5))
    for (let i = 0; i < 4; i++) y = y.matmul(weight).tanh()
    return y.mul(y).sum()
  })
  loss.backward()
  expect(gradientOf(weight).isFinite().all().item()).toBe(1)
})
