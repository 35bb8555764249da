import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  cat,
  empty,
  fromTypedArray,
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
  setNumThreads,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js'
import { decode, expectReference, readFixture, type Encoded } from './reference.js'

setNumThreads(1)

let surroundings: Scope
beforeEach(() => {
  surroundings = new Scope()
})
afterEach(() => surroundings[Symbol.dispose]())

/** The composite of make_nn.py. */
class Net extends nn.Module {
  readonly features = new nn.Sequential({
    conv0: new nn.Conv2d(4, 6, 3, { padding: 1, bias: false }),
    norm0: new nn.BatchNorm2d(6),
    relu0: new nn.ReLU(true),
  })
  readonly blocks = new nn.ModuleList(
    [0, 1].map(() => new nn.Sequential([new nn.Conv2d(6, 6, 1), new nn.GELU()])),
  )
  readonly norm = new nn.GroupNorm(3, 6)
  readonly classifier = new nn.Linear(6, 3)

  forward(x: Tensor): Tensor {
    x = this.features.forward(x)
    for (const block of this.blocks) x = x.add(block.forward(x))
    return this.classifier.forward(this.norm.forward(x).mean([2, 3]))
  }
}

/** Modules of several inputs or outputs, on one, as OneInput of make_nn.py. */
class OneInput<M extends nn.Module<never[], unknown>> extends nn.Module {
  constructor(
    readonly module: M,
    readonly call: (module: M, x: Tensor) => Tensor,
  ) {
    super()
  }

  forward(x: Tensor): Tensor {
    return this.call(this.module, x)
  }
}

const transformer = { feedForward: 8, dropout: 0 }

const layers: Record<string, () => nn.Module> = {
  Conv1d: () => new nn.Conv1d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }),
  Conv2d: () => new nn.Conv2d(4, 6, [3, 2], { padding: [1, 0], dilation: [1, 2], bias: false }),
  Conv3d: () => new nn.Conv3d(2, 3, 2, { stride: [1, 2, 1] }),
  BatchNorm1d: () => new nn.BatchNorm1d(4, { eps: 1e-3, momentum: 0.3 }),
  BatchNorm2d: () => new nn.BatchNorm2d(4),
  'BatchNorm2d without scale': () => new nn.BatchNorm2d(4, { affine: false }),
  BatchNorm3d: () => new nn.BatchNorm3d(2),
  LayerNorm: () => new nn.LayerNorm(4),
  'LayerNorm of two': () => new nn.LayerNorm([5, 4], 1e-3),
  GroupNorm: () => new nn.GroupNorm(2, 4),
  Linear: () => new nn.Linear(4, 3),
  'Linear without bias': () => new nn.Linear(5, 3, { bias: false }),
  MaxPool2d: () => new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
  'MaxPool2d ceil': () => new nn.MaxPool2d(2, { ceilMode: true }),
  AvgPool2d: () => new nn.AvgPool2d([2, 3], { stride: 1, padding: [0, 1] }),
  AdaptiveAvgPool2d: () => new nn.AdaptiveAvgPool2d(2),
  AdaptiveMaxPool2d: () => new nn.AdaptiveMaxPool2d([3, 1]),
  Flatten: () => new nn.Flatten(),
  'Flatten of some': () => new nn.Flatten(0, 1),
  ReLU: () => new nn.ReLU(),
  'ReLU in place': () => new nn.ReLU(true),
  LeakyReLU: () => new nn.LeakyReLU(0.2),
  GELU: () => new nn.GELU(),
  'GELU tanh': () => new nn.GELU('tanh'),
  SiLU: () => new nn.SiLU(),
  Sigmoid: () => new nn.Sigmoid(),
  Tanh: () => new nn.Tanh(),
  Softmax: () => new nn.Softmax(1),
  Identity: () => new nn.Identity(),
  Hardswish: () => new nn.Hardswish(),
  Hardsigmoid: () => new nn.Hardsigmoid(),
  ReLU6: () => new nn.ReLU6(),
  LayerNorm2d: () => new nn.LayerNorm2d(4, 1e-6),
  MaxPool3d: () => new nn.MaxPool3d(2, { ceilMode: true }),
  AvgPool3d: () => new nn.AvgPool3d([2, 1, 2]),
  'MultiheadAttention to itself': () =>
    new OneInput(new nn.MultiheadAttention(6, 2), (m, x) => m.forward(x, x, x).output),
  MultiheadAttention: () =>
    new OneInput(new nn.MultiheadAttention(6, 2), (m, x) => {
      const { output, weights } = m.forward(x.slice(1, 0, 2), x.slice(1, 1), x.flip(1).slice(1, 1), true)
      return cat(weights ? [output, weights] : [output], 2)
    }),
  TransformerEncoderLayer: () =>
    new OneInput(new nn.TransformerEncoderLayer(6, 3, transformer), (m, x) => m.forward(x)),
  'TransformerEncoderLayer norm first': () =>
    new OneInput(
      new nn.TransformerEncoderLayer(6, 3, { ...transformer, activation: 'gelu', normFirst: true }),
      (m, x) => m.forward(x),
    ),
  TransformerDecoderLayer: () =>
    new OneInput(new nn.TransformerDecoderLayer(6, 3, transformer), (m, x) =>
      m.forward(x.slice(1, 0, 2), x.slice(1, 1)),
    ),
  LSTM: () => new OneInput(new nn.LSTM(3, 4), (m, x) => m.forward(x)),
  'LSTM of two layers, both ways': () =>
    new OneInput(new nn.LSTM(3, 2, { layers: 2, bidirectional: true }), (m, x) => {
      const { output, hidden } = m.run(x)
      return cat([output.flatten(1), hidden], 1)
    }),
  Net: () => new Net(),
  Embedding: () => new nn.Embedding(5, 3),
}

interface LayerReference {
  state: Record<string, Encoded>
  input: Encoded
  output: Encoded
  cotangent: Encoded
  inputGradient?: Encoded
  gradients: Record<string, Encoded>
  after?: Record<string, Encoded>
  evaluated?: Encoded
}

const stateOf = (state: Record<string, Encoded>): Map<string, Tensor> =>
  new Map(Object.entries(state).map(([key, value]) => [key, decode(value)]))

describe('layers compute what PyTorch computes', () => {
  const reference = readFixture('nn.json') as Record<string, LayerReference>

  test('every layer is in the fixture', () => {
    expect(Object.keys(layers).sort()).toEqual(Object.keys(reference).sort())
    const abstract = new Set([
      'Module',
      'Sequential',
      'ModuleList',
      'Conv',
      'BatchNorm',
      'Dropout',
      'StochasticDepth',
    ])
    const classes = Object.keys(nn).filter((name) => /^[A-Z]/.test(name) && !abstract.has(name))
    expect(classes.filter((name) => !(name in layers))).toEqual([])
  })

  test.each(Object.entries(reference))('%s', (name, expected) => {
    const layer = layers[name]().to({ dtype: 'float64' })
    expect([...layer.stateDict().keys()].sort()).toEqual(Object.keys(expected.state).sort())
    layer.loadStateDict(stateOf(expected.state))

    const input = decode(expected.input)
    const differentiable = expected.inputGradient !== undefined
    if (differentiable) input.requiresGrad_()
    const output = layer.forward(differentiable ? input.mul(1) : input)
    expectReference(output, expected.output)
    output.backward(decode(expected.cotangent))
    if (expected.inputGradient) expectReference(input.grad, expected.inputGradient)
    const gradients = Object.fromEntries(
      Array.from(layer.namedParameters(), ([key, parameter]) => [key, parameter.grad]),
    )
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(expected.gradients).sort())
    for (const [key, gradient] of Object.entries(gradients))
      expectReference(gradient, expected.gradients[key])

    const after = layer.stateDict()
    for (const [key, value] of Object.entries(expected.after ?? {})) expectReference(after.get(key), value)
    if (expected.evaluated) {
      layer.eval()
      expectReference(layer.forward(input.mul(1)), expected.evaluated)
      for (const [key, value] of Object.entries(expected.after ?? {})) expectReference(after.get(key), value)
    }
  })
})

test('StochasticDepth drops whole samples while training, and keeps the mean', () => {
  manualSeed(5)
  const depth = new nn.StochasticDepth(0.25)
  const rows = depth.forward(ones([4000, 2, 3])).flatten(1)
  const first = rows.select(1, 0)
  expect(rows.eq(first.unsqueeze(1)).all().item()).toBe(1)
  const survivors = first.gt(0).double().mean().item()
  expect(survivors).toBeGreaterThan(0.72)
  expect(survivors).toBeLessThan(0.78)
  expect(first.max().item()).toBeCloseTo(1 / 0.75, 6)
  const x = ones([2, 2])
  expect(depth.eval().forward(x)).toBe(x)
  expect(() => new nn.StochasticDepth(1)).toThrow(/\[0, 1\)/)
})

describe('initial values', () => {
  const reference = readFixture('init.json') as {
    layers: Record<string, Record<string, Encoded>>
    functions: Record<string, Encoded>
  }

  test('are those of PyTorch after the same seed, to the last bit', () => {
    manualSeed(11)
    const started: Record<string, nn.Module> = {
      Conv2d: new nn.Conv2d(3, 4, 3),
      'Conv2d of groups': new nn.Conv2d(4, 6, [3, 1], { groups: 2 }),
      Conv1d: new nn.Conv1d(2, 3, 5, { bias: false }),
      Conv3d: new nn.Conv3d(1, 2, 3),
      Linear: new nn.Linear(7, 3),
      'Linear without bias': new nn.Linear(3, 4, { bias: false }),
      Embedding: new nn.Embedding(4, 3),
    }
    for (const [name, layer] of Object.entries(started)) {
      const exact = name === 'Embedding' ? 1e-6 : 0
      const state = layer.stateDict()
      expect([...state.keys()]).toEqual(Object.keys(reference.layers[name]))
      for (const [key, value] of state) expectReference(value, reference.layers[name][key], exact)
    }

    const weight = empty([6, 4, 3, 2])
    const calls: Record<string, () => Tensor> = {
      kaimingUniform_: () => nn.init.kaimingUniform_(weight),
      'kaimingUniform_ fan_out': () => nn.init.kaimingUniform_(weight, 0.5, 'fan_out'),
      kaimingNormal_: () => nn.init.kaimingNormal_(weight),
      'kaimingNormal_ fan_out': () => nn.init.kaimingNormal_(weight, 'fan_out'),
      xavierUniform_: () => nn.init.xavierUniform_(weight, 1.5),
      xavierNormal_: () => nn.init.xavierNormal_(weight),
      normal_: () => nn.init.normal_(weight, 1, 0.02),
      uniform_: () => nn.init.uniform_(weight, -0.3, 0.1),
      truncatedNormal_: () => nn.init.truncatedNormal_(weight),
      constant_: () => nn.init.constant_(weight, 0.7),
    }
    expect(Object.keys(calls)).toEqual(Object.keys(reference.functions))
    for (const [name, call] of Object.entries(calls)) {
      expect(call()).toBe(weight)
      // The vectorised normal distribution may differ in its last bit from one processor to the next.
      expectReference(weight, reference.functions[name], /ormal/.test(name) ? 1e-6 : 0)
    }
  })

  test('fill parameters that require a gradient', () => {
    const parameter = new Parameter(empty([3, 2]))
    expect(nn.init.constant_(parameter, 2)).toBe(parameter)
    expect(parameter.toFlatArray()).toEqual(new Array(6).fill(2))
    expect([parameter.isLeaf, parameter.requiresGrad]).toEqual([true, true])
  })
})

describe('Dropout', () => {
  test('drops a share, scales the rest, and does nothing in evaluation', () => {
    manualSeed(5)
    const dropout = new nn.Dropout(0.3)
    const values = dropout.forward(ones([200, 500])).toFlatArray()
    const dropped = values.filter((value) => value === 0).length / values.length
    // 100,000 draws: five standard deviations.
    expect(Math.abs(dropped - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / 1e5))
    expect(new Set(values.filter((value) => value !== 0))).toEqual(new Set([Math.fround(1 / 0.7)]))
    const x = ones([4])
    expect(dropout.eval().forward(x)).toBe(x)
    expect(new nn.Dropout(0).forward(x)).toBe(x)
    expect(new nn.Dropout(1).forward(x).toFlatArray()).toEqual([0, 0, 0, 0])
    expect(() => new nn.Dropout(1.5)).toThrow(new RangeError('Dropout: p has to lie in [0, 1], got 1.5'))
  })
})

describe('containers', () => {
  test('name their parts by position or by key', () => {
    const byPosition = new nn.Sequential([new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 1)])
    expect([...byPosition.stateDict().keys()]).toEqual(['0.weight', '0.bias', '2.weight', '2.bias'])
    expect(byPosition.get(1)).toBeInstanceOf(nn.ReLU)
    expect(() => byPosition.get(3)).toThrow(new RangeError("Sequential has no '3'; it has 0, 1, 2"))
    const byName = new nn.Sequential({ first: new nn.Linear(2, 3), second: new nn.Identity() })
    expect(Array.from(byName.namedModules(), ([name]) => name)).toEqual(['', 'first', 'second'])
    expect(byName.get('first')).toBeInstanceOf(nn.Linear)
  })

  test('a list is iterable and has no forward', () => {
    const list = new nn.ModuleList([new nn.Linear(1, 1), new nn.Linear(1, 1)])
    expect([...list]).toHaveLength(list.length)
    expect([...list.stateDict().keys()]).toEqual(['0.weight', '0.bias', '1.weight', '1.bias'])
    expect(() => list.forward()).toThrow('no forward of its own')
  })

  test('train, eval, requiresGrad_ and countParameters reach everything below', () => {
    const net = new Net()
    expect(net.countParameters()).toBe(4 * 6 * 9 + 12 + 2 * (36 + 6) + 12 + 21)
    net.eval()
    expect(Array.from(net.namedModules(), ([, module]) => module.training)).not.toContain(true)
    net.train()
    expect(Array.from(net.namedModules(), ([, module]) => module.training)).not.toContain(false)
    net.requiresGrad_(false)
    expect(net.parameters().some((parameter) => parameter.requiresGrad)).toBe(false)
    expect(Array.from(net.namedBuffers(), ([name]) => name)).toEqual([
      'features.norm0.running_mean',
      'features.norm0.running_var',
      'features.norm0.num_batches_tracked',
    ])
  })
})

test('a parameter in two places is learned once, and stored under both names', () => {
  class Tied extends nn.Module {
    readonly first = new nn.Linear(2, 2, { bias: false })
    readonly second = this.first
    readonly weight = this.first.weight

    forward(x: Tensor): Tensor {
      return this.second.forward(this.first.forward(x))
    }
  }
  const tied = new Tied()
  expect(tied.parameters()).toEqual([tied.first.weight])
  expect(tied.countParameters()).toBe(4)
  expect([...tied.stateDict().keys()]).toEqual(['weight', 'first.weight', 'second.weight'])
  expect(new optim.SGD(tied.parameters()).groups[0].parameters).toHaveLength(1)
})

describe('loadStateDict', () => {
  test('copies the values: the source may go', () => {
    const [from, to] = [new Net(), new Net()]
    expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [] })
    const x = randn([2, 4, 5, 4])
    const expected = from.eval().forward(x).toFlatArray()
    noGrad(() => from.stateDict().forEach((value) => value.fill_(9)))
    expect(to.eval().forward(x).toFlatArray()).toEqual(expected)
    expect(to.classifier.weight.requiresGrad).toBe(true)
  })

  test('is strict about keys unless told otherwise', () => {
    const layer = new nn.Linear(2, 1)
    const values = new Map([
      ['weight', tensor([[3, 4]])],
      ['extra', zeros([1])],
    ])
    expect(() => layer.loadStateDict(values)).toThrow(SerializationError)
    expect(() => layer.loadStateDict(values)).toThrow('missing bias; unexpected extra')
    expect(layer.loadStateDict(values, { strict: false })).toEqual({
      missing: ['bias'],
      unexpected: ['extra'],
    })
    expect(layer.weight.toFlatArray()).toEqual([3, 4])
    const long = new Net()
    expect(() => long.loadStateDict(new Map())).toThrow(/missing features\.conv0\.weight, .*… \(14 in all\)/)
  })

  test('refuses another shape before it has changed anything', () => {
    const layer = new nn.Linear(2, 1)
    const before = layer.weight.toFlatArray()
    const values = new Map([
      ['weight', zeros([1, 2])],
      ['bias', zeros([2])],
    ])
    expect(() => layer.loadStateDict(values, { strict: false })).toThrow(
      new SerializationError("The weights do not fit the model: 'bias' has shape [2], the model expects [1]"),
    )
    expect(layer.weight.toFlatArray()).toEqual(before)
  })

  test('converts to the dtype and memory format of the model', () => {
    const conv = new nn.Conv2d(2, 1, 2, { bias: false }).to({
      dtype: 'float64',
      memoryFormat: 'channels_last',
    })
    const weight = fromTypedArray(
      Float32Array.from({ length: 8 }, (_, i) => i),
      [1, 2, 2, 2],
    )
    conv.loadStateDict(new Map([['weight', weight]]))
    expect(conv.weight.toFlatArray()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect([conv.weight.dtype, conv.weight.isContiguous('channels_last')]).toEqual(['float64', true])
  })
})

test('wrong settings are refused when the layer is made', () => {
  expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow('channels 3 -> 4 are not divisible by 2 groups')
})

test('evaluation leaves nothing behind', () => {
  const net = new Net().eval()
  const x = randn([1, 4, 5, 4])
  const live = liveTensors()
  scope(() => void net.forward(x))
  expect(liveTensors()).toBe(live)
})

test.each(['float32', 'bfloat16'] as const)('ReLU6 of %s stops the gradient at its bounds', (dtype) => {
  for (const inplace of [false, true]) {
    const x = tensor([-1, 0, 3, 6, 7], { dtype }).requiresGrad_()
    const y = new nn.ReLU6(inplace).forward(x.mul(1))
    expect(y.dtype).toBe(dtype)
    expect(y.toFlatArray()).toEqual([0, 0, 3, 6, 6])
    y.sum().backward()
    expect(x.grad?.toFlatArray()).toEqual([0, 0, 1, 0, 0])
  }
})
