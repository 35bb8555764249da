/** Operators that move values, cut them out or put them together. */
import { isBatchMultiple } from '@plurad/torch'
import type { Call, Converter } from '../call.js'
import { scalarBytes } from '../builder.js'
import { same } from './elementwise.js'

/** What stands for "to the end" in ONNX's Slice. */
const END = Number.MAX_SAFE_INTEGER

/** Any change of shape that keeps the order of the values. */
const reshape: Converter = (call) => {
  const shape = call.outputShape()
  if (shape.filter(isBatchMultiple).length > 1) call.refuse('several dimensions grow with the batch')
  // The one that grows is what is left.
  const target = shape.map((size) => (isBatchMultiple(size) ? -1 : size))
  call.emit('Reshape', [call.tensor('self'), call.builder.int64(target)])
}

const permute: Converter = (call) => {
  call.emit('Transpose', [call.tensor('self')], { perm: call.dims('dims', call.shapeOf('self').length) })
}

const transpose: Converter = (call) => {
  const rank = call.shapeOf('self').length
  const [a, b] = [call.dim('dim0', rank), call.dim('dim1', rank)]
  const perm = Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i))
  call.emit('Transpose', [call.tensor('self')], { perm })
}

const expand: Converter = (call) => {
  call.emit('Expand', [call.tensor('self'), call.shape(call.outputShape())])
}

const unsqueeze: Converter = (call) => {
  const axis = call.dim('dim', call.shapeOf('self').length + 1)
  call.emit('Unsqueeze', [call.tensor('self'), call.builder.int64([axis])])
}

const squeeze: Converter = (call) => {
  const axis = call.dim('dim', call.shapeOf('self').length)
  if (call.shapeOf('self')[axis] !== 1) same(call)
  else call.emit('Squeeze', [call.tensor('self'), call.builder.int64([axis])])
}

function slice(call: Call, axis: number, start: number, end: number, step = 1): string {
  const { builder } = call
  const at = [start, end, axis, step].map((value) => builder.int64([value]))
  return builder.node('Slice', [call.tensor('self'), ...at])
}

const sliceTensor: Converter = (call) => {
  const axis = call.dim('dim', call.shapeOf('self').length, 0)
  call.give(slice(call, axis, call.number('start', 0), call.number('end', END), call.number('step', 1)))
}

const narrow: Converter = (call) => {
  const start = call.number('start')
  const end = start + call.number('length')
  call.give(slice(call, call.dim('dim', call.shapeOf('self').length), start, end))
}

const select: Converter = (call) => {
  const axis = call.dim('dim', call.shapeOf('self').length)
  call.emit('Gather', [call.tensor('self'), call.builder.int64(call.number('index'))], { axis })
}

const indexSelect: Converter = (call) => {
  const axis = call.dim('dim', call.shapeOf('self').length)
  call.emit('Gather', [call.tensor('self'), call.tensor('index')], { axis })
}

const embedding: Converter = (call) => {
  call.emit('Gather', [call.tensor('weight'), call.tensor('indices')], { axis: 0 })
}

/** Into as many parts as libtorch made. */
const parts: Converter = (call) => {
  const axis = call.dim('dim', call.shapeOf('self').length, 0)
  const sizes = Array.from({ length: call.outputs }, (_, i) => {
    const size = call.outputShape(i)[axis]
    return typeof size === 'number' ? size : call.refuse('it splits the batch')
  })
  if (sizes.length === 1) {
    same(call)
    return
  }
  const inputs = [call.tensor('self'), call.builder.int64(sizes)]
  call.builder.several('Split', inputs, sizes.length, { axis }).forEach((name, i) => {
    call.give(name, i)
  })
}

const cat: Converter = (call) => {
  const tensors = call.tensors('tensors')
  if (tensors.length === 1) call.give(tensors[0])
  else call.emit('Concat', tensors, { axis: call.dim('dim', call.outputShape().length, 0) })
}

const stack: Converter = (call) => {
  const axis = call.dim('dim', call.outputShape().length, 0)
  const at = call.builder.int64([axis])
  const tensors = call.tensors('tensors').map((tensor) => call.builder.node('Unsqueeze', [tensor, at]))
  call.emit('Concat', tensors, { axis })
}

/** libtorch names the padding from the last dimension on, ONNX all beginnings, then all ends. */
const constantPad: Converter = (call) => {
  const pad = call.numbers('pad')
  const rank = call.shapeOf('self').length
  const along = (end: 0 | 1): number[] =>
    Array.from({ length: rank }, (_, dim) => pad[2 * (rank - 1 - dim) + end] ?? 0)
  if (pad.some((size) => size < 0)) call.refuse('it pads by less than nothing')
  const value = call.builder.scalar(call.number('value', 0), call.dtypeOf('self'))
  call.emit('Pad', [call.tensor('self'), call.builder.int64([...along(0), ...along(1)]), value])
}

/** What leaves at one end comes in at the other. */
const roll: Converter = (call) => {
  const rank = call.shapeOf('self').length
  const { builder } = call
  let x = call.tensor('self')
  const shifts = call.numbers('shifts')
  for (const [i, axis] of call.dims('dims', rank).entries()) {
    const size = call.fixedSize('self', axis)
    const shift = ((shifts[i] % size) + size) % size
    if (shift === 0) continue
    const cut = (start: number, end: number): string =>
      builder.node('Slice', [x, ...[start, end, axis, 1].map((value) => builder.int64([value]))])
    x = builder.node('Concat', [cut(size - shift, size), cut(0, size - shift)], { axis })
  }
  call.give(x)
}

const filled =
  (value: number | null): Converter =>
  (call) => {
    const dtype = call.outputDtype()
    const data = scalarBytes(value ?? call.number('fill_value'), dtype)
    const tensor = { name: 'value', dims: [1], dtype, data }
    call.emit('ConstantOfShape', [call.shape(call.outputShape())], { value: { tensor } })
  }

export const shapes: Readonly<Record<string, Converter>> = {
  view: reshape,
  reshape,
  'flatten.using_ints': reshape,
  permute,
  'transpose.int': transpose,
  expand,
  unsqueeze,
  'squeeze.dim': squeeze,
  'slice.Tensor': sliceTensor,
  narrow,
  'select.int': select,
  index_select: indexSelect,
  embedding,
  chunk: parts,
  'split.Tensor': parts,
  cat,
  stack,
  constant_pad_nd: constantPad,
  roll,
  zeros: filled(0),
  ones: filled(1),
  full: filled(null),
}
