/** One recorded operation as its converter sees it. */
import {
  isBatchMultiple,
  isRef,
  type Argument,
  type DType,
  type Operation,
  type OperatorGraph,
  type Size,
} from '@plurad/torch'
import { ExportError } from '../../errors.js'
import { bytesOf, type Attributes, type GraphBuilder } from './builder.js'

/** Writes one operator's nodes. */
export type Converter = (call: Call) => void

export class Call {
  readonly builder: GraphBuilder
  readonly #operation: Operation
  readonly #graph: OperatorGraph
  readonly #names: Map<number, string>

  /** @param names what the values that are there already are called */
  constructor(builder: GraphBuilder, operation: Operation, graph: OperatorGraph, names: Map<number, string>) {
    this.builder = builder
    this.#operation = operation
    this.#graph = graph
    this.#names = names
  }

  /** With its overload, as in libtorch's schemas. */
  get operator(): string {
    const { name, overload } = this.#operation
    return overload === '' ? name : `${name}.${overload}`
  }

  refuse(why: string): never {
    throw new ExportError(`The operator ${this.operator} cannot be written as ONNX: ${why}.`)
  }

  // --- what goes in ---

  argument(name: string): Argument {
    return this.#operation.arguments[name]
  }

  isGiven(name: string): boolean {
    const value = this.argument(name)
    return value !== undefined && value !== null
  }

  /** ONNX's name of a tensor argument. */
  tensor(name: string): string {
    return this.#nameOf(this.#ref(name))
  }

  tensors(name: string): string[] {
    return this.#refs(name).map((value) => this.#nameOf(value))
  }

  shapeOf(name: string): readonly Size[] {
    return this.#graph.values[this.#ref(name)].shape
  }

  shapesOf(name: string): (readonly Size[])[] {
    return this.#refs(name).map((value) => this.#graph.values[value].shape)
  }

  dtypeOf(name: string): DType {
    return this.#graph.values[this.#ref(name)].dtype
  }

  /** The values of a constant single-precision argument; null where it depends on the input. */
  floats(name: string): Float32Array | null {
    return this.#floats(this.#ref(name))
  }

  /** The same for each tensor of a list. */
  floatsOfEach(name: string): (Float32Array | null)[] {
    return this.#refs(name).map((value) => this.#floats(value))
  }

  number(name: string, otherwise?: number): number {
    const value = this.argument(name) ?? otherwise
    if (typeof value === 'number') return value
    if (typeof value === 'boolean') return Number(value)
    return this.refuse(
      `'${name}' is ${isBatchMultiple(value) ? 'a multiple of the batch size' : 'no number'}`,
    )
  }

  boolean(name: string, otherwise: boolean): boolean {
    return this.number(name, Number(otherwise)) !== 0
  }

  text(name: string, otherwise: string): string {
    const value = this.argument(name) ?? otherwise
    return typeof value === 'string' ? value : this.refuse(`'${name}' is no text`)
  }

  /** Whole numbers, one alone standing for `count` of them. */
  numbers(name: string, count?: number): number[] {
    const value = this.argument(name)
    const list = Array.isArray(value) ? (value as readonly unknown[]) : [value]
    const numbers = list.map((element) =>
      typeof element === 'number' ? element : this.refuse(`'${name}' depends on the batch size`),
    )
    return numbers.length === 1 && count !== undefined ? new Array<number>(count).fill(numbers[0]) : numbers
  }

  /** A dimension, counted from the front. */
  dim(name: string, rank: number, otherwise?: number): number {
    const value = this.number(name, otherwise)
    return value < 0 ? value + rank : value
  }

  dims(name: string, rank: number): number[] {
    return this.numbers(name).map((dim) => (dim < 0 ? dim + rank : dim))
  }

  /** The shape of an argument where it is the same for every batch but for the first dimension. */
  fixedSize(name: string, dim: number): number {
    const size = this.shapeOf(name)[dim]
    return typeof size === 'number' ? size : this.refuse(`dimension ${dim} of '${name}' grows with the batch`)
  }

  // --- what comes out ---

  outputShape(position = 0): readonly Size[] {
    return this.#graph.values[this.#output(position)].shape
  }

  outputDtype(position = 0): DType {
    return this.#graph.values[this.#output(position)].dtype
  }

  get outputs(): number {
    return this.#operation.outputs.length
  }

  /** Says what the result is called. */
  give(name: string, position = 0): void {
    this.#names.set(this.#output(position), name)
  }

  /** One node whose output is the result. */
  emit(op: string, inputs: readonly string[], attributes: Attributes = {}): void {
    this.give(this.builder.node(op, inputs, attributes))
  }

  /** A shape as a tensor [n] of int64, computed while the graph runs where the batch is in it. */
  shape(sizes: readonly Size[]): string {
    if (!sizes.some(isBatchMultiple)) return this.builder.int64(sizes as readonly number[])
    const parts = sizes.map((size) =>
      isBatchMultiple(size) ? this.builder.batch(size.batch) : this.builder.int64([size]),
    )
    return parts.length === 1 ? parts[0] : this.builder.node('Concat', parts, { axis: 0 })
  }

  #output(position: number): number {
    return this.#operation.outputs[position] ?? this.refuse(`it has no result ${position}`)
  }

  #ref(name: string): number {
    const value = this.argument(name)
    return isRef(value) ? value.tensor : this.refuse(`'${name}' is no tensor`)
  }

  #refs(name: string): number[] {
    const value = this.argument(name)
    if (!Array.isArray(value)) return this.refuse(`'${name}' is no list of tensors`)
    return (value as readonly unknown[]).map((element) =>
      isRef(element) ? element.tensor : this.refuse(`'${name}' has an empty place`),
    )
  }

  #nameOf(value: number): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const { constant, shape, dtype } = this.#graph.values[value]
    if (constant === null) return this.refuse('it reads a value that nothing has computed')
    const name = this.builder.constant(constant.name, shape as readonly number[], dtype, constant.bytes())
    this.#names.set(value, name)
    return name
  }

  #floats(value: number): Float32Array | null {
    const { constant, dtype } = this.#graph.values[value]
    return constant === null || dtype !== 'float32' ? null : floatsOf(constant.bytes())
  }
}

export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer)
}

/** A constant of single-precision numbers. */
export function floatConstant(
  builder: GraphBuilder,
  values: Float32Array,
  dims: readonly number[],
  name: string | null = null,
): string {
  return builder.constant(name, dims, 'float32', bytesOf(values))
}
