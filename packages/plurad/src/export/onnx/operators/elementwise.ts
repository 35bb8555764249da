/** Operators that work value by value, and the choice between values. */
import type { Call, Converter } from '../call.js'
import { dataTypeOf } from '../model.js'

/** One node with the tensor `self` as its input. */
const unary =
  (op: string): Converter =>
  (call) => {
    call.emit(op, [call.tensor('self')])
  }

/** The result is the tensor `self` itself. */
export const same: Converter = (call) => {
  call.give(call.tensor('self'))
}

/** The second operand, tensor or number, in the result's dtype. */
function operand(call: Call, name: string, dtype = call.dtypeOf('self')): string {
  const value = call.argument(name)
  if (typeof value === 'number' || typeof value === 'boolean')
    return call.builder.scalar(Number(value), dtype)
  const given = call.tensor(name)
  return call.dtypeOf(name) === dtype ? given : call.builder.node('Cast', [given], { to: dataTypeOf(dtype) })
}

/** Both operands in the result's dtype: libtorch promotes, ONNX wants them alike. */
const binary =
  (op: string): Converter =>
  (call) => {
    const dtype = call.outputDtype()
    call.emit(op, [operand(call, 'self', dtype), operand(call, 'other', dtype)])
  }

/** As `binary`, with the second operand times `alpha`. */
const scaled =
  (op: string): Converter =>
  (call) => {
    const dtype = call.outputDtype()
    const alpha = call.number('alpha', 1)
    const other = operand(call, 'other', dtype)
    const { builder } = call
    const second = alpha === 1 ? other : builder.node('Mul', [other, builder.scalar(alpha, dtype)])
    call.emit(op, [operand(call, 'self', dtype), second])
  }

const comparison =
  (op: string): Converter =>
  (call) => {
    const value = call.argument('other')
    if (typeof value === 'number' && !Number.isInteger(value) && !call.dtypeOf('self').startsWith('float'))
      call.refuse('it compares whole numbers with a fraction')
    call.emit(op, [call.tensor('self'), operand(call, 'other')])
  }

/** Both numbers and missing bounds; [low, high] of `clamp`. */
const clamp: Converter = (call) => {
  const bound = (name: string): string => (call.isGiven(name) ? operand(call, name) : '')
  const bounds = [bound('min'), bound('max')]
  call.emit('Clip', [call.tensor('self'), ...(bounds[1] === '' ? bounds.slice(0, 1) : bounds)])
}

const hardtanh: Converter = (call) => {
  const bound = (name: string, fallback: number): string =>
    call.builder.scalar(call.number(name, fallback), call.dtypeOf('self'))
  call.emit('Clip', [call.tensor('self'), bound('min_val', -1), bound('max_val', 1)])
}

/** x / 2 (1 + erf(x / sqrt 2)), or its approximation by tanh. */
const gelu: Converter = (call) => {
  const { builder } = call
  const x = call.tensor('self')
  const number = (value: number): string => builder.scalar(value, call.dtypeOf('self'))
  const { node } = { node: builder.node.bind(builder) }
  if (call.text('approximate', 'none') === 'none') {
    const erf = node('Erf', [node('Div', [x, number(Math.SQRT2)])])
    call.emit('Mul', [node('Mul', [x, node('Add', [erf, number(1)])]), number(0.5)])
    return
  }
  const cube = node('Mul', [node('Mul', [node('Mul', [x, x]), x]), number(0.044715)])
  const tanh = node('Tanh', [node('Mul', [node('Add', [x, cube]), number(Math.sqrt(2 / Math.PI))])])
  call.emit('Mul', [node('Mul', [x, node('Add', [tanh, number(1)])]), number(0.5)])
}

const silu: Converter = (call) => {
  const x = call.tensor('self')
  call.emit('Mul', [x, call.builder.node('Sigmoid', [x])])
}

const toDtype: Converter = (call) => {
  if (call.outputDtype() === call.dtypeOf('self')) same(call)
  else call.emit('Cast', [call.tensor('self')], { to: dataTypeOf(call.outputDtype()) })
}

const where: Converter = (call) => {
  call.emit('Where', [call.tensor('condition'), call.tensor('self'), operand(call, 'other')])
}

const maskedFill: Converter = (call) => {
  call.emit('Where', [call.tensor('mask'), operand(call, 'value'), call.tensor('self')])
}

/** Evaluation: nothing is dropped. */
const dropout: Converter = (call) => {
  if (call.boolean('train', true)) call.refuse('the network is in training mode')
  call.give(call.tensor('input'))
}

export const elementwise: Readonly<Record<string, Converter>> = {
  relu: unary('Relu'),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  abs: unary('Abs'),
  neg: unary('Neg'),
  sign: unary('Sign'),
  logical_not: unary('Not'),
  rsqrt: (call) => {
    call.emit('Reciprocal', [call.builder.node('Sqrt', [call.tensor('self')])])
  },
  hardswish: unary('HardSwish'),
  hardsigmoid: (call) => {
    call.emit('HardSigmoid', [call.tensor('self')], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })
  },
  leaky_relu: (call) => {
    call.emit('LeakyRelu', [call.tensor('self')], { alpha: { float: call.number('negative_slope', 0.01) } })
  },
  gelu,
  silu,
  clamp,
  hardtanh,
  'add.Tensor': scaled('Add'),
  'add.Scalar': scaled('Add'),
  'sub.Tensor': scaled('Sub'),
  'sub.Scalar': scaled('Sub'),
  'mul.Tensor': binary('Mul'),
  'mul.Scalar': binary('Mul'),
  'div.Tensor': binary('Div'),
  'div.Scalar': binary('Div'),
  'pow.Tensor_Scalar': (call) => {
    call.emit('Pow', [
      operand(call, 'self', call.outputDtype()),
      operand(call, 'exponent', call.outputDtype()),
    ])
  },
  maximum: binary('Max'),
  minimum: binary('Min'),
  'eq.Tensor': comparison('Equal'),
  'eq.Scalar': comparison('Equal'),
  'ge.Tensor': comparison('GreaterOrEqual'),
  'ge.Scalar': comparison('GreaterOrEqual'),
  'gt.Tensor': comparison('Greater'),
  'gt.Scalar': comparison('Greater'),
  'le.Tensor': comparison('LessOrEqual'),
  'le.Scalar': comparison('LessOrEqual'),
  'lt.Tensor': comparison('Less'),
  'lt.Scalar': comparison('Less'),
  'where.self': where,
  'masked_fill.Scalar': maskedFill,
  'to.dtype': toDtype,
  dropout,
  detach: same,
  alias: same,
  clone: same,
  contiguous: same,
}
