/**
 * An ONNX model as data, and its encoding. Field numbers are those of onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), of which what an exported network needs is here.
 */
import type { DType } from '@plurad/torch'
import { ExportError } from '../../errors.js'
import { WireWriter } from './wire.js'

export interface OnnxTensor {
  name: string
  dims: readonly number[]
  dtype: DType
  /** Row-major, little-endian. */
  data: Uint8Array
}

export type OnnxAttribute = number | string | readonly number[] | { float: number } | { tensor: OnnxTensor }

export interface OnnxNode {
  op: string
  /** '' for an optional input that is left out. */
  inputs: readonly string[]
  outputs: readonly string[]
  attributes: Readonly<Record<string, OnnxAttribute>>
}

export interface OnnxValue {
  name: string
  dtype: DType
  /** A number, or the name of a dimension that differs from run to run. */
  shape: readonly (number | string)[]
}

export interface OnnxModel {
  producer: string
  producerVersion: string
  name: string
  inputs: readonly OnnxValue[]
  outputs: readonly OnnxValue[]
  initializers: readonly OnnxTensor[]
  nodes: readonly OnnxNode[]
  metadata: Readonly<Record<string, string>>
}

/** The newest operator set that onnxruntime has had kernels for on every platform for years. */
const OPSET = 17
/** What belongs to it (ONNX 1.12). */
const IR_VERSION = 8

/** Protocol Buffers' readers refuse messages of 2 GiB and more. */
const MOST_BYTES = 2 ** 31 - 1

const dataTypes: Partial<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
}

/** ONNX's number for a dtype. Throws `ExportError` for one that it does not have. */
export function dataTypeOf(dtype: DType): number {
  const type = dataTypes[dtype]
  if (type === undefined) throw new ExportError(`ONNX has no tensors of ${dtype}.`)
  return type
}

/** The content of a .onnx file. Throws `ExportError` where it would have 2 GiB or more. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const message = new WireWriter()
    .int(1, IR_VERSION)
    .string(2, model.producer)
    .string(3, model.producerVersion)
  message.message(8, new WireWriter().string(1, '').int(2, OPSET))
  // Before the graph, so that a reader finds them at the file's beginning.
  for (const [key, value] of Object.entries(model.metadata))
    message.message(14, new WireWriter().string(1, key).string(2, value))
  message.message(7, encodeGraph(model))
  if (message.length > MOST_BYTES) {
    throw new ExportError(
      `The model has ${(message.length / 2 ** 30).toFixed(2)} GiB of weights; an ONNX file holds less than 2 GiB. ` +
        'Choose a smaller backbone or head, or export safetensors.',
    )
  }
  return message.finish()
}

function encodeGraph({ name, nodes, inputs, outputs, initializers }: OnnxModel): WireWriter {
  const graph = new WireWriter()
  nodes.forEach((node, i) => graph.message(1, encodeNode(node, i)))
  graph.string(2, name)
  for (const tensor of initializers) graph.message(5, encodeTensor(tensor))
  for (const value of inputs) graph.message(11, encodeValue(value))
  for (const value of outputs) graph.message(12, encodeValue(value))
  return graph
}

function encodeNode({ op, inputs, outputs, attributes }: OnnxNode, position: number): WireWriter {
  const node = new WireWriter()
  for (const input of inputs) node.string(1, input)
  for (const output of outputs) node.string(2, output)
  node.string(3, `${op}_${position}`).string(4, op)
  for (const [name, value] of Object.entries(attributes)) node.message(5, encodeAttribute(name, value))
  return node
}

const [FLOAT, INT, STRING, TENSOR, INTS] = [1, 2, 3, 4, 7]
const TYPE_FIELD = 20

/** Numbers are integers; `{ float }` is a number in single precision. */
function encodeAttribute(name: string, value: OnnxAttribute): WireWriter {
  const attribute = new WireWriter().string(1, name)
  if (typeof value === 'number') return attribute.int(3, value).int(TYPE_FIELD, INT)
  if (typeof value === 'string') return attribute.string(4, value).int(TYPE_FIELD, STRING)
  if ('float' in value) return attribute.float(2, value.float).int(TYPE_FIELD, FLOAT)
  if ('tensor' in value) return attribute.message(5, encodeTensor(value.tensor)).int(TYPE_FIELD, TENSOR)
  return attribute.ints(8, value).int(TYPE_FIELD, INTS)
}

function encodeTensor({ name, dims, dtype, data }: OnnxTensor): WireWriter {
  return new WireWriter().ints(1, dims).int(2, dataTypeOf(dtype)).string(8, name).bytes(9, data)
}

function encodeValue({ name, dtype, shape }: OnnxValue): WireWriter {
  const dims = new WireWriter()
  for (const size of shape) {
    const dim = new WireWriter()
    dims.message(1, typeof size === 'number' ? dim.int(1, size) : dim.string(2, size))
  }
  const tensor = new WireWriter().int(1, dataTypeOf(dtype)).message(2, dims)
  return new WireWriter().string(1, name).message(2, new WireWriter().message(1, tensor))
}
