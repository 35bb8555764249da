/** Collects nodes and constants of an ONNX graph; each constant once, however often it is used. */
import type { DType } from '@plurad/torch'
import { createHash } from 'node:crypto'
import type { OnnxAttribute, OnnxNode, OnnxTensor } from './model.js'

/** Larger constants are told apart by their names alone: hashing a network's weights would take longer than the export. */
const HASHED_BYTES = 2 ** 16

export type Attributes = Readonly<Record<string, OnnxAttribute>>

export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly #constants = new Map<string, OnnxTensor>()
  readonly #input: string
  #count = 0
  #batch: string | null = null

  /** @param input an input whose first dimension is the batch */
  constructor(input: string) {
    this.#input = input
  }

  /** Adds a node with one output and gives that one's name. */
  node(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.several(op, inputs, 1, attributes)[0]
  }

  /** Adds a node with several outputs. */
  several(op: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    const names = Array.from({ length: outputs }, () => `t${this.#count++}`)
    this.nodes.push({ op, inputs, outputs: names, attributes })
    return names
  }

  /** A constant under a name of its own; one of the same values that is there already serves as well. */
  constant(name: string | null, dims: readonly number[], dtype: DType, data: Uint8Array): string {
    const small = data.length <= HASHED_BYTES
    const key =
      name !== null && !small
        ? `name ${name}`
        : `${dtype} ${dims.join(',')} ${createHash('sha256').update(data).digest('hex')}`
    const known = this.#constants.get(key)
    if (known !== undefined) return known.name
    const tensor = { name: name ?? `c${this.#count++}`, dims, dtype, data }
    this.#constants.set(key, tensor)
    return tensor.name
  }

  /** Whole numbers, [n] (or a scalar) of int64. */
  int64(values: number | readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values
    const data = BigInt64Array.from(list, BigInt)
    return this.constant(null, typeof values === 'number' ? [] : [list.length], 'int64', bytesOf(data))
  }

  /** A number as a tensor without dimensions. */
  scalar(value: number, dtype: DType): string {
    return this.constant(null, [], dtype, scalarBytes(value, dtype))
  }

  /** So many times the batch size, [1] of int64, known when the graph runs. */
  batch(times: number): string {
    this.#batch ??= this.node('Shape', [this.#input], { start: 0, end: 1 })
    return times === 1 ? this.#batch : this.node('Mul', [this.#batch, this.int64([times])])
  }

  get initializers(): OnnxTensor[] {
    return [...this.#constants.values()]
  }
}

export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** One element. Throws `RangeError` for a dtype that no graph of ours computes with. */
export function scalarBytes(value: number, dtype: DType): Uint8Array {
  switch (dtype) {
    case 'float32':
      return bytesOf(Float32Array.of(value))
    case 'float64':
      return bytesOf(Float64Array.of(value))
    case 'int64':
      return bytesOf(BigInt64Array.of(BigInt(value)))
    case 'int32':
      return bytesOf(Int32Array.of(value))
    case 'bool':
      return Uint8Array.of(value === 0 ? 0 : 1)
    default:
      throw new RangeError(`no scalar of ${dtype}`)
  }
}
