import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  autocast,
  EngineError,
  liveTensors,
  manualSeed,
  nn,
  optim,
  ones,
  randn,
  Scope,
  scope,
  setNumThreads,
  zeros,
  type Tensor,
} from '../src/index.js'
import { expectClose } from './reference.js'

setNumThreads(1)

let surroundings: Scope
beforeEach(() => {
  surroundings = new Scope()
  manualSeed(3)
})
afterEach(() => surroundings[Symbol.dispose]())

function makeNet(): nn.Sequential {
  return new nn.Sequential([
    new nn.Conv2d(3, 8, 3, { padding: 1 }),
    new nn.BatchNorm2d(8),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 8, 1, { bias: false }),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(8, 2),
  ])
}

describe('autocast', () => {
  test('computes convolutions and products in bfloat16, sums and losses in float32', () => {
    const conv = new nn.Conv2d(3, 4, 3)
    const x = randn([1, 3, 8, 8])
    const full = conv.forward(x)
    const half = autocast({}, () => conv.forward(x))
    expect([full.dtype, half.dtype]).toEqual(['float32', 'bfloat16'])
    // bfloat16 has eight bits of precision; 27 products a value.
    expectClose(half.toFlatArray(), full.toFlatArray(), 0.03)
    expect(autocast({}, () => x.matmul(randn([8, 2])).dtype)).toBe('bfloat16')
    expect(autocast({}, () => x.add(1).dtype)).toBe('float32')
    expect(conv.weight.dtype).toBe('float32')
  })

  test('gives gradients in the dtype of the parameters, close to those without', () => {
    const gradients = (body: (forward: () => Tensor) => Tensor): Map<string, number[]> => {
      const [net, x] = [makeNet(), randn([4, 3, 8, 8])]
      const loss = body(() => net.forward(x).float().pow(2).mean())
      loss.backward()
      return new Map(
        Array.from(net.namedParameters(), ([name, { grad }]) => {
          expect(grad?.dtype).toBe('float32')
          return [name, grad?.toFlatArray() ?? []]
        }),
      )
    }
    const full = gradients((forward) => forward())
    manualSeed(3)
    const half = gradients((forward) => autocast({}, forward))
    for (const [name, values] of full) expectClose(half.get(name) ?? [], values, 0.1)
  })

  test('ends with its body, also by an exception', () => {
    const product = (): string => zeros([2, 2]).matmul(zeros([2, 2])).dtype
    expect(() =>
      autocast({}, () => {
        expect(product()).toBe('bfloat16')
        zeros([2]).view(3)
      }),
    ).toThrow(EngineError)
    expect(product()).toBe('float32')
  })

  test('nests', () => {
    const product = (): string => zeros([2, 2]).matmul(zeros([2, 2])).dtype
    autocast({}, () => {
      expect(autocast({ enabled: false }, product)).toBe('float32')
      expect(product()).toBe('bfloat16')
      expect(() =>
        autocast({ enabled: false }, () => {
          throw new Error('boom')
        }),
      ).toThrow('boom')
      expect(product()).toBe('bfloat16')
      expect(autocast({}, product)).toBe('bfloat16')
      expect(product()).toBe('bfloat16')
    })
    expect(product()).toBe('float32')
    expect(autocast({ enabled: false }, product)).toBe('float32')
  })

  test('holds nothing afterwards: a changed weight is seen, steps are flat', () => {
    const layer = new nn.Linear(2, 1, { bias: false })
    const x = ones([1, 2])
    const forward = (): number => scope(() => autocast({}, () => layer.forward(x)).item())
    nn.init.constant_(layer.weight, 1)
    expect(forward()).toBe(2)
    nn.init.constant_(layer.weight, 3)
    expect(forward()).toBe(6)

    const net = makeNet()
    const optimiser = new optim.SGD(net.parameters(), { lr: 0.01 })
    const images = randn([2, 3, 8, 8])
    const step = (): void => {
      const loss = scope(() => autocast({}, () => net.forward(images).float().pow(2).mean()))
      loss.backward()
      loss.dispose()
      optimiser.step()
      optimiser.zeroGrad()
    }
    step()
    const live = liveTensors()
    for (let i = 0; i < 20; i++) step()
    expect(liveTensors()).toBe(live)
  })
})

describe('channels_last', () => {
  test('computes the same as contiguous, forward and backward, and stays channels_last', () => {
    const net = makeNet().to({ dtype: 'float64' })
    const other = makeNet().to({ dtype: 'float64' })
    other.loadStateDict(net.stateDict())
    other.to({ memoryFormat: 'channels_last' })
    const x = randn([2, 3, 8, 8], { dtype: 'float64' })
    const y = x.clone('channels_last')
    expect([y.isContiguous('channels_last'), y.isContiguous()]).toEqual([true, false])
    expect(y.toFlatArray()).toEqual(x.toFlatArray())
    expect(other.get(0).forward(y).isContiguous('channels_last')).toBe(true)

    const [first, second] = [net.forward(x), other.forward(y)]
    expectClose(second.toFlatArray(), first.toFlatArray(), 1e-12)
    first.pow(2).sum().backward()
    second.pow(2).sum().backward()
    const gradients = other.parameters().map((parameter) => parameter.grad?.toFlatArray() ?? [])
    net.parameters().forEach((parameter, i) => {
      expectClose(gradients[i], parameter.grad?.toFlatArray() ?? [], 1e-10)
    })
  })

  test('is what to() and contiguous() make, and undo', () => {
    const x = randn([2, 3, 4, 5])
    const last = x.to({ memoryFormat: 'channels_last' })
    expect(last.strides).toEqual([60, 1, 15, 3])
    expect(last.contiguous().strides).toEqual(x.strides)
    expect(last.contiguous('channels_last').strides).toEqual(last.strides)
    expect(last.to({ dtype: 'float64' }).isContiguous('channels_last')).toBe(true)
    expect(randn([1, 2, 3, 4, 5]).contiguous('channels_last_3d').isContiguous('channels_last_3d')).toBe(true)
    const net = makeNet().to({ memoryFormat: 'channels_last' })
    expect(net.stateDict().get('0.weight')?.isContiguous('channels_last')).toBe(true)
    expect(net.stateDict().get('7.weight')?.isContiguous()).toBe(true)
  })
})
