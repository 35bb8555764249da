/** A network's forward pass as data: what `traceGraph` records and exporters read. */
import type { DType } from '../dtype.js'

/** So many times the batch size. */
export interface BatchMultiple {
  batch: number
}

/** A number that is the same for every batch, or one that grows with it. */
export type Size = number | BatchMultiple

/** Stands for a value of the graph, by its position in `OperatorGraph.values`. */
export interface TensorRef {
  tensor: number
}

/** What an operator was called with; `undefined` where its schema's default holds. */
export type Argument =
  undefined | null | boolean | string | Size | readonly Size[] | TensorRef | readonly (TensorRef | null)[]

/** A tensor that is the same for every input: a parameter, a buffer or what was computed from them alone. */
export interface GraphConstant {
  /** Its name in the state dictionary; null for what was computed or written down in the code. */
  name: string | null
  /** The values in row-major order. */
  bytes: () => Uint8Array
}

export interface GraphValue {
  shape: readonly Size[]
  dtype: DType
  constant: GraphConstant | null
}

/** One call. In-place operators stand under the name of the one that leaves its input alone: `relu_` is `relu`. */
export interface Operation {
  /** Without namespace, such as `conv2d`. */
  name: string
  /** `Tensor`, `Scalar` …; empty for the unnamed one. */
  overload: string
  /** By their names in the operator's schema. */
  arguments: Readonly<Record<string, Argument>>
  /** Positions in `values`; null for a result that is no tensor. */
  outputs: readonly (number | null)[]
}

/** A forward pass for any batch size, every value written once, operations in the order in which they ran. */
export interface OperatorGraph {
  values: readonly GraphValue[]
  operations: readonly Operation[]
  inputs: ReadonlyMap<string, number>
  outputs: ReadonlyMap<string, number>
}

export function isRef(argument: unknown): argument is TensorRef {
  return typeof argument === 'object' && argument !== null && 'tensor' in argument
}

export function isBatchMultiple(argument: unknown): argument is BatchMultiple {
  return typeof argument === 'object' && argument !== null && 'batch' in argument
}

/** The values that an operation reads. */
export function inputsOf(operation: Operation): number[] {
  return Object.values(operation.arguments).flatMap((argument) =>
    (Array.isArray(argument) ? (argument as readonly unknown[]) : [argument])
      .filter(isRef)
      .map(({ tensor }) => tensor),
  )
}
