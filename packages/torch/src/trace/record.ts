/** Records every operator call of one forward pass. */
import { observeCalls } from '../aten.js'
import type { DType } from '../dtype.js'
import type { OperatorSchema } from '../native.js'
import { Tensor } from '../tensor.js'
import type { TensorRef } from './graph.js'

/** A forward pass that cannot be written as a graph. */
export class TraceError extends Error {
  override readonly name = 'TraceError'
}

export interface RecordedValue {
  shape: readonly number[]
  dtype: DType
  /** Values that came from no input: read at once, as the tensor may be freed or overwritten; parameters later. */
  constant: { name: string | null; bytes: () => Uint8Array } | null
}

type RecordedArgument =
  undefined | null | boolean | string | number | readonly number[] | TensorRef | readonly (TensorRef | null)[]

export interface RecordedOperation {
  name: string
  overload: string
  arguments: Record<string, RecordedArgument>
  outputs: (number | null)[]
}

export interface Recording {
  values: RecordedValue[]
  operations: RecordedOperation[]
  inputs: Map<string, number>
  outputs: Map<string, number>
}

/** Operators whose result can share memory with their first argument. */
const VIEWS = new Set(
  (
    'view reshape flatten unflatten transpose permute t movedim slice select narrow expand expand_as chunk split ' +
    'split_with_sizes unbind squeeze unsqueeze detach alias contiguous to type_as view_as diagonal unfold dropout'
  ).split(' '),
)

/** Where a tensor object stands: its value, the memory it lies in and when that was last written. */
interface Place {
  value: number
  memory: number
  version: number
}

class Recorder {
  readonly recording: Recording = { values: [], operations: [], inputs: new Map(), outputs: new Map() }
  readonly #places = new Map<Tensor, Place>()
  readonly #versions: number[] = []
  readonly #names: ReadonlyMap<Tensor, string>

  constructor(state: ReadonlyMap<string, Tensor>) {
    this.#names = new Map(Array.from(state, ([name, tensor]) => [tensor, name]))
  }

  input(name: string, tensor: Tensor): void {
    this.recording.inputs.set(name, this.#place(tensor, false))
  }

  output(name: string, tensor: Tensor): void {
    this.recording.outputs.set(name, this.#read(tensor, `the output ${name}`))
  }

  observe(schema: OperatorSchema, values: readonly unknown[], result: unknown): void {
    const [, name, overload = ''] = /^\w+::(\w+)\.?(\w*)$/.exec(schema.name) ?? []
    if (name === undefined) throw new TraceError(`${schema.name}: an operator of an unusual name`)
    const given: Record<string, RecordedArgument> = {}
    schema.arguments.forEach(({ name: argument }, i) => {
      given[argument] = this.#argument(values[i], schema.name)
    })
    const constant = refsOf(given).every(({ tensor }) => this.recording.values[tensor].constant !== null)
    const functional = name.replace(/_$/, '')
    const results = schema.results.length < 2 ? [result] : (result as unknown[])
    const shared = VIEWS.has(functional) ? this.#places.get(values[0] as Tensor) : undefined
    const outputs = results.flat().map((tensor) => {
      if (!(tensor instanceof Tensor)) return null
      const written = values.includes(tensor) ? this.#places.get(tensor) : undefined
      return this.#place(tensor, constant, written ?? shared, written !== undefined)
    })
    this.recording.operations.push({ name: functional, overload, arguments: given, outputs })
  }

  /**
   * Gives a tensor object a new value.
   *
   * @param constant whether it depends on no input: what the tensor holds now is then kept
   * @param written whether the memory that it lies in has just been written
   */
  #place(tensor: Tensor, constant: boolean, near?: Place, written = false): number {
    const { values } = this.recording
    const bytes = constant ? tensor.toBytes() : null
    values.push({
      shape: tensor.shape,
      dtype: tensor.dtype,
      constant: bytes === null ? null : { name: null, bytes: () => bytes },
    })
    const memory = near?.memory ?? this.#versions.push(0) - 1
    if (written) this.#versions[memory]++
    this.#places.set(tensor, { value: values.length - 1, memory, version: this.#versions[memory] })
    return values.length - 1
  }

  #argument(value: unknown, operator: string): RecordedArgument {
    if (value === undefined || value === null) return value
    if (value instanceof Tensor) return { tensor: this.#read(value, operator) }
    if (Array.isArray(value)) {
      const elements = value as readonly unknown[]
      if (elements.some((element) => element instanceof Tensor))
        return elements.map((element) =>
          element === null ? null : { tensor: this.#read(element as Tensor, operator) },
        )
      return elements.map(Number)
    }
    switch (typeof value) {
      case 'boolean':
      case 'string':
      case 'number':
        return value
      case 'bigint':
        return Number(value)
      default:
        throw new TraceError(`${operator}: a graph cannot hold an argument that is a ${typeof value}`)
    }
  }

  /** The value of a tensor now; one that no recorded operator made is a constant. */
  #read(tensor: Tensor, reader: string): number {
    const place = this.#places.get(tensor)
    if (place !== undefined) {
      if (place.version !== this.#versions[place.memory]) {
        throw new TraceError(
          `${reader} reads ${tensor.toString()} through another view than the one that was overwritten in place`,
        )
      }
      return place.value
    }
    const name = this.#names.get(tensor)
    if (name === undefined) return this.#place(tensor, true)
    const { values } = this.recording
    values.push({
      shape: tensor.shape,
      dtype: tensor.dtype,
      constant: { name, bytes: () => tensor.toBytes() },
    })
    this.#places.set(tensor, { value: values.length - 1, memory: this.#versions.push(0) - 1, version: 0 })
    return values.length - 1
  }
}

function refsOf(given: Record<string, RecordedArgument>): TensorRef[] {
  return Object.values(given).flatMap((argument) =>
    (Array.isArray(argument) ? (argument as unknown[]) : [argument]).filter(
      (element): element is TensorRef =>
        typeof element === 'object' && element !== null && 'tensor' in element,
    ),
  )
}

/** Runs `forward` and writes down what it does. */
export function record(
  state: ReadonlyMap<string, Tensor>,
  inputs: Readonly<Record<string, Tensor>>,
  forward: (inputs: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
): Recording {
  const recorder = new Recorder(state)
  for (const [name, tensor] of Object.entries(inputs)) recorder.input(name, tensor)
  // Reading a tensor's bytes can itself call operators.
  let busy = false
  const previous = observeCalls((schema, values, result) => {
    if (busy) return
    busy = true
    try {
      recorder.observe(schema, values, result)
    } finally {
      busy = false
    }
  })
  try {
    const outputs = forward(inputs)
    for (const [name, tensor] of Object.entries(outputs)) recorder.output(name, tensor)
  } finally {
    observeCalls(previous)
  }
  return recorder.recording
}
