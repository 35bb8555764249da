/** Convolution, pooling, norms, matrix products, sampling. */
import { floatConstant, type Call, type Converter } from '../call.js'

/** Padding before and after each of `dims` spatial dimensions. */
function padsOf(call: Call, dims: number): number[] {
  const padding = call.isGiven('padding') ? call.numbers('padding', dims) : new Array<number>(dims).fill(0)
  return [...padding, ...padding]
}

const conv =
  (dims: number): Converter =>
  (call) => {
    const inputs = [call.tensor('input'), call.tensor('weight')]
    if (call.isGiven('bias')) inputs.push(call.tensor('bias'))
    call.emit('Conv', inputs, {
      strides: call.isGiven('stride') ? call.numbers('stride', dims) : new Array<number>(dims).fill(1),
      pads: padsOf(call, dims),
      kernel_shape: call.shapeOf('weight').slice(2) as number[],
      dilations: call.isGiven('dilation') ? call.numbers('dilation', dims) : new Array<number>(dims).fill(1),
      group: call.number('groups', 1),
    })
  }

/** Where libtorch's stride is left out it is the kernel. */
function poolWindow(call: Call, dims: number): Record<string, number | number[]> {
  const kernel = call.numbers('kernel_size', dims)
  const given = call.isGiven('stride') && call.numbers('stride').length > 0
  const strides = given ? call.numbers('stride', dims) : kernel
  return { kernel_shape: kernel, strides, pads: padsOf(call, dims) }
}

const maxPool =
  (dims: number): Converter =>
  (call) => {
    const ceil = Number(call.boolean('ceil_mode', false))
    const dilations = call.isGiven('dilation')
      ? call.numbers('dilation', dims)
      : new Array<number>(dims).fill(1)
    call.emit('MaxPool', [call.tensor('self')], { ...poolWindow(call, dims), dilations, ceil_mode: ceil })
  }

const averagePool =
  (dims: number): Converter =>
  (call) => {
    if (call.boolean('ceil_mode', false)) call.refuse('runtimes disagree on averages with ceil_mode')
    if (call.isGiven('divisor_override')) call.refuse('ONNX knows no divisor_override')
    const include = Number(call.boolean('count_include_pad', true))
    call.emit('AveragePool', [call.tensor('self')], { ...poolWindow(call, dims), count_include_pad: include })
  }

/**
 * Averages over cells whose borders are rounded outwards. Where all cells are alike that is an ordinary pool, else (also
 * where the map is smaller than the result) a product with the matrix of shares along each axis.
 */
const adaptiveAveragePool: Converter = (call) => {
  const rank = call.shapeOf('self').length
  const to = call.numbers('output_size', 2)
  const from = [call.fixedSize('self', rank - 2), call.fixedSize('self', rank - 1)]
  const { builder } = call
  if (from.every((size, i) => size % to[i] === 0)) {
    const kernel = from.map((size, i) => size / to[i])
    call.emit('AveragePool', [call.tensor('self')], { kernel_shape: kernel, strides: kernel })
    return
  }
  const shares = (axis: 0 | 1): Float32Array => {
    const matrix = new Float32Array(to[axis] * from[axis])
    for (let cell = 0; cell < to[axis]; cell++) {
      const start = Math.floor((cell * from[axis]) / to[axis])
      const end = Math.ceil(((cell + 1) * from[axis]) / to[axis])
      for (let at = start; at < end; at++) matrix[cell * from[axis] + at] = 1 / (end - start)
    }
    return matrix
  }
  const across = builder.node('Transpose', [floatConstant(builder, shares(1), [to[1], from[1]])], {
    perm: [1, 0],
  })
  const rows = builder.node('MatMul', [call.tensor('self'), across])
  call.emit('MatMul', [floatConstant(builder, shares(0), [to[0], from[0]]), rows])
}

const batchNorm: Converter = (call) => {
  if (call.boolean('training', true)) call.refuse('the network is in training mode')
  const channels = call.fixedSize('running_mean', 0)
  const filled = (name: string, value: number): string =>
    call.isGiven(name)
      ? call.tensor(name)
      : floatConstant(call.builder, new Float32Array(channels).fill(value), [channels])
  const parameters = [
    filled('weight', 1),
    filled('bias', 0),
    call.tensor('running_mean'),
    call.tensor('running_var'),
  ]
  call.emit('BatchNormalization', [call.tensor('input'), ...parameters], {
    epsilon: { float: call.number('eps') },
  })
}

const layerNorm: Converter = (call) => {
  const dims = call.numbers('normalized_shape')
  if (!call.isGiven('weight')) call.refuse('it has no weight')
  const inputs = [call.tensor('input'), call.tensor('weight')]
  if (call.isGiven('bias')) inputs.push(call.tensor('bias'))
  call.emit('LayerNormalization', inputs, {
    axis: -dims.length,
    epsilon: { float: call.number('eps', 1e-5) },
  })
}

const linear: Converter = (call) => {
  const { builder } = call
  const [outputs, inputs] = call.shapeOf('weight') as number[]
  const bias = call.isGiven('bias') ? call.tensor('bias') : null
  const x = call.tensor('input')
  if (call.shapeOf('input').length === 2) {
    call.emit('Gemm', [x, call.tensor('weight'), ...(bias === null ? [] : [bias])], { transB: 1 })
    return
  }
  // Turned now, as there is no Gemm over more dimensions.
  const values = call.floats('weight')
  const turned =
    values === null
      ? builder.node('Transpose', [call.tensor('weight')], { perm: [1, 0] })
      : floatConstant(builder, transposed(values, outputs, inputs), [inputs, outputs])
  const product = builder.node('MatMul', [x, turned])
  call.give(bias === null ? product : builder.node('Add', [product, bias]))
}

/** [rows, columns] -> [columns, rows] */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = values[row * columns + column]
  return turned
}

const matmul =
  (second: string): Converter =>
  (call) => {
    call.emit('MatMul', [call.tensor('self'), call.tensor(second)])
  }

const softmax =
  (op: string): Converter =>
  (call) => {
    call.emit(op, [call.tensor('self')], { axis: call.dim('dim', call.shapeOf('self').length) })
  }

/** Mean over every position: what runtimes have a kernel of its own for. */
function isGlobal(dims: readonly number[], rank: number): boolean {
  return rank > 3 && dims.length === rank - 2 && dims.every((dim, i) => dim === i + 2)
}

const mean: Converter = (call) => {
  const rank = call.shapeOf('self').length
  const dims = call.dims('dim', rank)
  const keep = call.boolean('keepdim', false)
  if (!isGlobal(dims, rank)) {
    call.emit('ReduceMean', [call.tensor('self')], { axes: dims, keepdims: Number(keep) })
    return
  }
  const pooled = call.builder.node('GlobalAveragePool', [call.tensor('self')])
  if (keep) call.give(pooled)
  else call.emit('Flatten', [pooled], { axis: 1 })
}

/** In operator set 17 only the sum takes its axes as an input. */
const sum: Converter = (call) => {
  const axes = call.builder.int64(call.dims('dim', call.shapeOf('self').length))
  call.emit('ReduceSum', [call.tensor('self'), axes], { keepdims: Number(call.boolean('keepdim', false)) })
}

const extreme =
  (op: string): Converter =>
  (call) => {
    const axes = call.dims('dim', call.shapeOf('self').length)
    call.emit(op, [call.tensor('self')], { axes, keepdims: Number(call.boolean('keepdim', false)) })
  }

/** The grid of an affine map: [positions, 3] of (x, y, 1) times the transposed matrices [N, 3, 2]. */
const affineGrid: Converter = (call) => {
  const shape = call.outputShape()
  const [, height, width] = shape
  if (shape.length !== 4 || typeof height !== 'number' || typeof width !== 'number')
    return call.refuse('only maps of images of one size are known')
  if (call.boolean('align_corners', false)) call.refuse('align_corners is not known')
  const base = new Float32Array(height * width * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3)
      base.set([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1, 1], at)
  }
  const { builder } = call
  const turned = builder.node('Transpose', [call.tensor('theta')], { perm: [0, 2, 1] })
  const flat = builder.node('MatMul', [floatConstant(builder, base, [height * width, 3]), turned])
  call.emit('Reshape', [flat, builder.int64([-1, height, width, 2])])
}

const gridSampler: Converter = (call) => {
  const mode = ['bilinear', 'nearest', 'bicubic'][call.number('interpolation_mode')]
  const padding = ['zeros', 'border', 'reflection'][call.number('padding_mode')]
  call.emit('GridSample', [call.tensor('input'), call.tensor('grid')], {
    mode,
    padding_mode: padding,
    align_corners: Number(call.boolean('align_corners', false)),
  })
}

export const layers: Readonly<Record<string, Converter>> = {
  conv1d: conv(1),
  conv2d: conv(2),
  conv3d: conv(3),
  max_pool2d: maxPool(2),
  max_pool3d: maxPool(3),
  avg_pool2d: averagePool(2),
  avg_pool3d: averagePool(3),
  adaptive_avg_pool2d: adaptiveAveragePool,
  batch_norm: batchNorm,
  layer_norm: layerNorm,
  linear,
  matmul: matmul('other'),
  bmm: matmul('mat2'),
  'softmax.int': softmax('Softmax'),
  'log_softmax.int': softmax('LogSoftmax'),
  'mean.dim': mean,
  'sum.dim_IntList': sum,
  amax: extreme('ReduceMax'),
  amin: extreme('ReduceMin'),
  affine_grid_generator: affineGrid,
  grid_sampler: gridSampler,
}
