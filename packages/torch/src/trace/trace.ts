/**
 * Turns a forward pass into a graph that holds for every batch size. The network runs twice, with batches of 2 and of 3
 * samples; a number that was read from a shape and went into a call (`view(x.size(0), -1)`) differs between the runs, and
 * stands in the graph as a multiple of the batch size.
 */
import { noGrad } from '../autograd.js'
import { scope } from '../memory.js'
import type { Tensor } from '../tensor.js'
import {
  inputsOf,
  isBatchMultiple,
  isRef,
  type Argument,
  type GraphConstant,
  type GraphValue,
  type Operation,
  type OperatorGraph,
  type Size,
  type TensorRef,
} from './graph.js'
import { record, TraceError, type RecordedOperation, type Recording } from './record.js'

const BATCHES = [2, 3] as const

type Tensors = Readonly<Record<string, Tensor>>

export interface TraceOptions {
  /** Parameters and buffers by name: they stay constants of that name in the graph. */
  state: ReadonlyMap<string, Tensor>
  /** Inputs of a batch of so many samples, the batch as their first dimension. */
  inputs: (batch: number) => Tensors
  forward: (inputs: Tensors) => Tensors
}

/**
 * Records a forward pass. What depends on no input is computed once and stands in the graph as a constant.
 *
 * @throws TraceError where the network does something else for another batch size, or computes at random
 */
export function traceGraph({ state, inputs, forward }: TraceOptions): OperatorGraph {
  return noGrad(() =>
    scope(() => {
      const [first, second] = BATCHES.map((batch) => record(state, inputs(batch), forward))
      return merge(first, second)
    }),
  )
}

function merge(first: Recording, second: Recording): OperatorGraph {
  if (
    first.operations.length !== second.operations.length ||
    first.values.length !== second.values.length ||
    first.operations.some(({ name }, i) => name !== second.operations[i].name)
  ) {
    throw new TraceError(
      `the network runs ${first.operations.length} operations for a batch of ${BATCHES[0]} and others ` +
        `(${second.operations.length}) for a batch of ${BATCHES[1]}: a graph has to be the same for every batch size`,
    )
  }
  const values = first.values.map(({ shape, dtype, constant }, i): GraphValue => {
    const what = `a value of shape [${shape.join(', ')}]`
    return { shape: mergeSizes(shape, second.values[i].shape, what), dtype, constant }
  })
  const operations: Operation[] = []
  first.operations.forEach((operation, i) => {
    const merged = mergeOperation(operation, second.operations[i])
    if (inputsOf(merged).some((input) => values[input].constant === null) || growsWithBatch(merged, values)) {
      operations.push(merged)
      for (const output of merged.outputs)
        if (output !== null) values[output] = { ...values[output], constant: null }
    }
  })
  for (const at of usedConstants(operations, first, values)) {
    const value = values[at]
    const other = second.values[at].constant
    if (value.shape.some(isBatchMultiple)) {
      throw new TraceError(
        `the network makes a constant of ${describe(value.shape)} values in code: its shape depends on the batch size`,
      )
    }
    const { name } = value.constant as GraphConstant
    if (name === null && !sameBytes(value.constant, other)) {
      throw new TraceError(
        `a constant of ${describe(value.shape)} values differs between two runs: it is random or depends on the batch size`,
      )
    }
  }
  return { values, operations, inputs: first.inputs, outputs: first.outputs }
}

function usedConstants(
  operations: readonly Operation[],
  { outputs }: Recording,
  values: readonly GraphValue[],
): Set<number> {
  const read = [...operations.flatMap(inputsOf), ...outputs.values()]
  return new Set(read.filter((value) => values[value].constant !== null))
}

function sameBytes(a: GraphConstant | null, b: GraphConstant | null): boolean {
  return a !== null && b !== null && Buffer.compare(a.bytes(), b.bytes()) === 0
}

/** Whether a call without inputs from outside gives another result for another batch size. */
function growsWithBatch(operation: Operation, values: readonly GraphValue[]): boolean {
  return (
    Object.values(operation.arguments).some((argument) =>
      Array.isArray(argument)
        ? (argument as readonly unknown[]).some(isBatchMultiple)
        : isBatchMultiple(argument),
    ) || operation.outputs.some((output) => output !== null && values[output].shape.some(isBatchMultiple))
  )
}

function mergeOperation(first: RecordedOperation, second: RecordedOperation): Operation {
  const merged: Record<string, Argument> = {}
  for (const [name, a] of Object.entries(first.arguments))
    merged[name] = mergeArgument(a, second.arguments[name], `${first.name}: the argument '${name}'`)
  return { name: first.name, overload: first.overload, arguments: merged, outputs: first.outputs }
}

type Recorded = RecordedOperation['arguments'][string]

function mergeArgument(a: Recorded, b: Recorded, what: string): Argument {
  if (typeof a === 'number' && typeof b === 'number') return mergeSize(a, b, what)
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a as readonly unknown[], b as readonly unknown[]]
    if (left.length !== right.length)
      throw new TraceError(`${what} has another length for another batch size`)
    if (left.every((element) => typeof element === 'number')) return mergeSizes(left, right as number[], what)
    return left as readonly (TensorRef | null)[]
  }
  const [left, right] = [a, b].map((one) => (isRef(one) ? one.tensor : one))
  if (left !== right) throw new TraceError(`${what} is another one for another batch size`)
  return a
}

function mergeSizes(a: readonly number[], b: readonly number[], what: string): Size[] {
  if (a.length !== b.length) throw new TraceError(`${what} has other dimensions for another batch size`)
  return a.map((size, i) => mergeSize(size, b[i], what))
}

function mergeSize(a: number, b: number, what: string): Size {
  if (Object.is(a, b)) return a
  const batch = (b - a) / (BATCHES[1] - BATCHES[0])
  if (batch * BATCHES[0] === a && batch * BATCHES[1] === b) return { batch }
  throw new TraceError(
    `${what} is ${a} for a batch of ${BATCHES[0]} and ${b} for one of ${BATCHES[1]}, which is no multiple of the batch size`,
  )
}

function describe(shape: readonly Size[]): string {
  return `[${shape.map((size) => (isBatchMultiple(size) ? `${size.batch} * batch` : size)).join(', ')}]`
}
