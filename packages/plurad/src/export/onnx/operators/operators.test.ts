// Every operator that can be written, against libtorch: batches of 1 and 7 where the trace saw 2 and 3.
import {
  aten,
  cat,
  full,
  manualSeed,
  nn,
  noGrad,
  ones,
  randn,
  scope,
  stack,
  tensor,
  traceGraph,
  zeros,
  type Tensor,
} from '@plurad/torch'
import { expect, test } from 'vitest'
import { openSession } from '../../../predict/node.js'
import { convertGraph } from '../convert.js'
import { encodeModel } from '../model.js'
import { converters } from './registry.js'

type Forward = (x: Tensor) => Tensor

/** What each operator is tried with, on inputs [batch, ...shape] of normal numbers. */
const cases: [operator: string, shape: number[], forward: Forward][] = [
  ['relu', [5], (x) => x.relu()],
  ['sigmoid', [5], (x) => x.sigmoid()],
  ['tanh', [5], (x) => x.tanh()],
  ['exp', [5], (x) => x.exp()],
  ['log', [5], (x) => x.abs().add(0.1).log()],
  ['sqrt', [5], (x) => x.abs().sqrt()],
  ['rsqrt', [5], (x) => x.abs().add(0.1).rsqrt()],
  ['abs', [5], (x) => x.abs()],
  ['neg', [5], (x) => x.neg()],
  ['sign', [5], (x) => x.sign()],
  ['logical_not', [5], (x) => x.gt(0).logicalNot().float()],
  ['hardswish', [9], (x) => aten.hardswish.default(x.mul(4))],
  ['hardsigmoid', [9], (x) => aten.hardsigmoid.default(x.mul(4))],
  ['leaky_relu', [9], (x) => aten.leaky_relu.default(x, 0.2)],
  ['gelu', [9], (x) => aten.gelu.default(x)],
  ['gelu', [9], (x) => aten.gelu.default(x, { approximate: 'tanh' })],
  ['silu', [9], (x) => aten.silu.default(x)],
  ['clamp', [9], (x) => x.clamp(0, 0.5)],
  ['clamp', [9], (x) => x.clamp(null, 0.5)],
  ['clamp', [9], (x) => x.clamp(-0.5)],
  ['add.Tensor', [4], (x) => x.add(tensor([1, 2, 3, 4]), 3)],
  ['add.Tensor', [4], (x) => x.add(tensor([1, 2, 3, 4], { dtype: 'int64' }))],
  ['add.Scalar', [4], (x) => x.add(1.5, 2)],
  ['sub.Tensor', [4], (x) => x.sub(x.mul(x))],
  ['sub.Scalar', [4], (x) => x.sub(1.5)],
  ['mul.Tensor', [4], (x) => x.mul(x)],
  ['mul.Scalar', [4], (x) => x.mul(3)],
  ['div.Tensor', [4], (x) => x.div(tensor([1, 2, 3, 4]))],
  ['div.Scalar', [4], (x) => x.div(3)],
  ['pow.Tensor_Scalar', [4], (x) => x.abs().pow(1.5)],
  ['maximum', [4], (x) => x.maximum(x.neg())],
  ['minimum', [4], (x) => x.minimum(x.mul(2))],
  ['eq.Tensor', [4], (x) => x.eq(x.abs()).float()],
  ['eq.Scalar', [4], (x) => x.clamp(0).eq(0).float()],
  ['ge.Tensor', [4], (x) => x.ge(x.neg()).float()],
  ['ge.Scalar', [4], (x) => x.ge(0.3).float()],
  ['gt.Tensor', [4], (x) => x.gt(x.neg()).float()],
  ['gt.Scalar', [4], (x) => x.gt(0.3).float()],
  ['le.Tensor', [4], (x) => x.le(x.neg()).float()],
  ['le.Scalar', [4], (x) => x.le(0.3).float()],
  ['lt.Tensor', [4], (x) => x.lt(x.neg()).float()],
  ['lt.Scalar', [4], (x) => x.lt(0.3).float()],
  ['where.self', [4], (x) => x.where(x.gt(0), x.mul(9))],
  ['masked_fill.Scalar', [4], (x) => x.maskedFill(x.gt(0), -7)],
  ['to.dtype', [4], (x) => x.mul(10).to({ dtype: 'int64' }).float()],
  ['dropout', [4], (x) => aten.dropout.default(x, 0.5, false).mul(2)],
  ['detach', [4], (x) => x.detach().mul(2)],
  ['alias', [4], (x) => aten.alias.default(x).mul(2)],
  ['hardtanh', [4], (x) => aten.hardtanh.default(x.mul(4))],
  ['hardtanh', [4], (x) => aten.hardtanh_.default(x.mul(4), 0, 6)],
  ['clone', [4], (x) => x.clone().relu_()],
  ['contiguous', [4, 3], (x) => x.transpose(1, 2).contiguous().view(x.size(0), -1)],
  ['view', [4, 6], (x) => x.view(x.size(0) * 2, 12)],
  ['reshape', [4, 6], (x) => x.reshape(2, -1, 3)],
  ['flatten.using_ints', [4, 3, 2], (x) => x.flatten(1)],
  ['permute', [4, 3, 2], (x) => x.permute(0, 3, 1, 2)],
  ['transpose.int', [4, 3, 2], (x) => x.transpose(-1, 1)],
  ['expand', [1, 3], (x) => x.expand(x.size(0), 5, -1)],
  [
    'expand',
    [1],
    (x) =>
      tensor([[1, 2]])
        .expand(x.size(0), -1)
        .add(x),
  ],
  ['unsqueeze', [4, 3], (x) => x.unsqueeze(-1)],
  ['squeeze.dim', [1, 3], (x) => x.squeeze(1).squeeze(1)],
  ['slice.Tensor', [9, 3], (x) => x.slice(1, 1, -1, 3)],
  ['slice.Tensor', [9, 3], (x) => x.slice(-1, -2)],
  ['narrow', [9, 3], (x) => x.narrow(1, 2, 4)],
  ['select.int', [9, 3], (x) => x.select(1, -2)],
  ['index_select', [5], (x) => x.indexSelect(1, tensor([3, 0, 3], { dtype: 'int64' }))],
  [
    'embedding',
    [3],
    (x) =>
      aten.embedding.default(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        x.gt(0).to({ dtype: 'int64' }),
      ),
  ],
  ['chunk', [7, 2], (x) => cat(x.chunk(3, 1).reverse(), 1)],
  ['split.Tensor', [7, 2], (x) => cat(x.split(3, 1).reverse(), 1)],
  ['cat', [4, 2], (x) => cat([x, x.mul(2)], -1)],
  ['stack', [4, 2], (x) => stack([x, x.mul(2)], 1)],
  ['constant_pad_nd', [4, 3], (x) => aten.constant_pad_nd.default(x, [1, 2, 0, 3], 0.5)],
  ['roll', [5, 4], (x) => aten.roll.default(x, [-2, 7], [1, 2])],
  ['zeros', [2], (x) => cat([x, zeros([x.size(0), 3])], 1)],
  ['ones', [2], (x) => cat([x, ones([x.size(0), 3])], 1)],
  ['full', [2], (x) => cat([x, full([x.size(0), 3], 2.5)], 1)],
  ['conv1d', [3, 9], made(() => new nn.Conv1d(3, 4, 3, { padding: 1, stride: 2 }))],
  ['conv2d', [4, 8, 9], made(() => new nn.Conv2d(4, 6, [3, 5], { padding: [1, 2], groups: 2, dilation: 2 }))],
  ['conv3d', [2, 5, 6, 7], made(() => new nn.Conv3d(2, 3, 3, { stride: 2, bias: false }))],
  ['max_pool2d', [2, 9, 8], (x) => aten.max_pool2d.default(x, 3, 2, 1, 1, true)],
  ['max_pool3d', [2, 6, 6, 6], (x) => aten.max_pool3d.default(x, 2, 2)],
  ['avg_pool2d', [2, 9, 8], (x) => aten.avg_pool2d.default(x, 3, 2, 1)],
  ['avg_pool2d', [2, 9, 8], (x) => aten.avg_pool2d.default(x, 3, 1, 1, false, false)],
  ['avg_pool3d', [2, 6, 6, 6], (x) => aten.avg_pool3d.default(x, 2)],
  ['adaptive_avg_pool2d', [2, 6, 9], (x) => aten.adaptive_avg_pool2d.default(x, [2, 3])],
  ['adaptive_avg_pool2d', [2, 5, 4], (x) => aten.adaptive_avg_pool2d.default(x, [3, 7])],
  ['batch_norm', [3, 4, 4], made(() => normWithStatistics(3))],
  ['layer_norm', [5, 6], made(() => new nn.LayerNorm(6))],
  ['layer_norm', [5, 6], made(() => new nn.LayerNorm([5, 6]))],
  ['linear', [6], made(() => new nn.Linear(6, 4))],
  ['linear', [5, 6], made(() => new nn.Linear(6, 4))],
  ['linear', [5, 6], made(() => new nn.Linear(6, 4, { bias: false }))],
  ['matmul', [5, 6], (x) => x.matmul(x.transpose(1, 2))],
  ['bmm', [5, 6], (x) => x.bmm(x.transpose(1, 2))],
  ['softmax.int', [5, 6], (x) => x.softmax(1)],
  ['log_softmax.int', [5, 6], (x) => x.logSoftmax(-1)],
  ['mean.dim', [5, 6], (x) => x.mean(1)],
  ['mean.dim', [3, 5, 6], (x) => x.mean([2, 3])],
  ['mean.dim', [3, 5, 6], (x) => x.mean([2, 3], true)],
  ['sum.dim_IntList', [5, 6], (x) => x.sum(-1, true)],
  ['amax', [5, 6], (x) => x.amax([1, 2])],
  ['amin', [5, 6], (x) => aten.amin.default(x, 1, true)],
  [
    'affine_grid_generator',
    [2, 3],
    (x) => aten.affine_grid_generator.default(x, [x.size(0), 1, 4, 5], false),
  ],
  ...[0, 1].map((padding): [string, number[], Forward] => [
    'grid_sampler',
    [2, 6, 5],
    (x) =>
      aten.grid_sampler.default(
        x,
        x.select(1, 0).slice(2, 0, 4).tanh().mul(1.2).view(x.size(0), 3, 4, 2),
        0,
        padding,
        false,
      ),
  ]),
  ['lstm.input', [4, 3], made(() => new nn.LSTM(3, 5))],
  ['lstm.input', [4, 3], made(() => new nn.LSTM(3, 5, { layers: 2, bidirectional: true }))],
  [
    'lstm.input',
    [4, 3],
    (() => {
      manualSeed(2)
      const lstm = new nn.LSTM(3, 5, { layers: 2, bidirectional: true }).eval()
      return (x: Tensor): Tensor => lstm.run(x).hidden
    })(),
  ],
]

/** A layer that is made once, in evaluation mode. */
function made(make: () => nn.Module): Forward {
  manualSeed(1)
  const layer = make().eval()
  return (x) => layer.forward(x)
}

function normWithStatistics(channels: number): nn.BatchNorm {
  const norm = new nn.BatchNorm2d(channels)
  norm.running_mean.uniform_(-1, 1)
  norm.running_var.uniform_(0.5, 2)
  return norm
}

test('every operator has a case here', () => {
  const tried = new Set(cases.map(([operator]) => operator))
  expect(Object.keys(converters).filter((operator) => !tried.has(operator))).toEqual([])
})

test.each(cases)('%s of %j gives what libtorch gives', async (operator, shape, forward) => {
  const graph = traceGraph({
    state: new Map(),
    inputs: (batch) => ({ x: randn([batch, ...shape]) }),
    forward: ({ x }) => ({ y: forward(x) }),
  })
  const used = graph.operations.map(({ name, overload }) => (overload === '' ? name : `${name}.${overload}`))
  expect(used).toContain(operator)
  const header = { producer: 'test', producerVersion: '1', name: 'test', metadata: {} }
  const session = await openSession(encodeModel(convertGraph(graph, header)), { threads: 1 })
  try {
    for (const batch of [1, 7]) {
      const [input, expected, dims] = noGrad(() =>
        scope(() => {
          const x = randn([batch, ...shape])
          const y = forward(x)
          return [x.toTypedArray() as Float32Array, y.toFlatArray(), y.shape] as const
        }),
      )
      const { y } = await session.run({ x: { data: input, dims: [batch, ...shape] } }, ['y'])
      expect(y.dims).toEqual(dims)
      const scale = Math.max(1, ...expected.map(Math.abs))
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - y.data[i]) / scale))
      expect(worst).toBeLessThan(1e-5)
    }
  } finally {
    await session.close()
  }
})

test('an operator without a counterpart is named', () => {
  const graph = traceGraph({
    state: new Map(),
    inputs: (batch) => ({ x: randn([batch, 4]) }),
    forward: ({ x }) => ({ y: aten.erfinv.default(x).cumsum(1) }),
  })
  const header = { producer: 'test', producerVersion: '1', name: 'test', metadata: {} }
  expect(() => convertGraph(graph, header)).toThrow(/no ONNX counterpart here: erfinv, cumsum/)
})

test('training mode is refused', () => {
  const norm = new nn.BatchNorm2d(3)
  const drop = new nn.Dropout(0.5)
  for (const forward of [(x: Tensor) => norm.forward(x), (x: Tensor) => drop.forward(x)]) {
    expect(() => {
      const graph = traceGraph({
        state: norm.stateDict(),
        inputs: (batch) => ({ x: randn([batch, 3, 4, 4]) }),
        forward: ({ x }) => ({ y: forward(x) }),
      })
      convertGraph(graph, { producer: 'test', producerVersion: '1', name: 'test', metadata: {} })
    }).toThrow(/training mode/)
  }
})
