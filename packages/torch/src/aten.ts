/**
 * The door to every operator of the engine, named as in `torch.ops.aten`:
 *
 *     aten.conv2d.default(x, weight, bias, 1, 1)
 *     aten.add.Tensor(a, b, { alpha: 2 })
 *
 * Arguments are checked twice: by the compiler, against types generated from the engine's schemas, and at run time,
 * against the schema of the engine that is loaded. Positional arguments stand in the schema's order, keyword-only
 * ones in a trailing object.
 */
import type { AtenOperators } from './aten.generated.js'
import { EngineError, engineError } from './errors.js'
import { adopt } from './memory.js'
import { native, type OperatorArgument, type OperatorSchema } from './native.js'
import { Generator } from './random.js'
import { repaired } from './repairs.js'
import type { Tensor } from './tensor.js'
import { makeTensor, TensorHandle } from './tensor-handle.js'

/** An operator bound to its schema: takes JavaScript values, gives tensors and numbers. */
export type BoundOperator = (...values: unknown[]) => unknown

/** Sees a call after it was made: the arguments in the schema's order and what the operator gave. */
export type CallObserver = (schema: OperatorSchema, values: readonly unknown[], result: unknown) => void

let observer: CallObserver | null = null

/** @internal Sets who sees every call, null for nobody; gives the one before. */
export function observeCalls(next: CallObserver | null): CallObserver | null {
  const previous = observer
  observer = next
  return previous
}

/** The same signature for every operator: what the table of types narrows. */
type Overloads = Record<string, BoundOperator>

export function wrap(handle: number): Tensor {
  const tensor = makeTensor(handle)
  adopt(tensor)
  return tensor
}

function expected(
  schema: OperatorSchema,
  argument: OperatorArgument,
  value: unknown,
  what = 'a Tensor',
): TypeError {
  const got =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'an array'
        : typeof value === 'number'
          ? `the number ${value}`
          : typeof value === 'object'
            ? 'an object'
            : `a ${typeof value}`
  return new TypeError(
    `${schema.name}: argument '${argument.name}' (${argument.type}): expected ${what}, got ${got}`,
  )
}

function unwrap(schema: OperatorSchema, argument: OperatorArgument, value: unknown): unknown {
  if (value instanceof TensorHandle && argument.holds === 'tensor') return value.handle
  switch (argument.holds) {
    case 'tensor':
      if (value === null || value === undefined) return value
      throw expected(schema, argument, value)
    case 'tensors':
      if (value === null || value === undefined) return value
      if (!Array.isArray(value)) throw expected(schema, argument, value, 'an array of Tensors')
      return value.map((element: unknown) => {
        if (element instanceof TensorHandle) return element.handle
        if (element === null) return null
        throw expected(schema, argument, element)
      })
    case 'generator':
      if (value instanceof Generator) return value.handle
      if (value === null || value === undefined) return value
      throw expected(schema, argument, value, 'a Generator')
    case 'value':
      return value
  }
}

function describe(values: readonly unknown[], schema: OperatorSchema): string {
  return schema.arguments
    .map((argument, i) => [argument.name, values[i]] as const)
    .filter((pair): pair is readonly [string, Tensor] => pair[1] instanceof TensorHandle)
    .slice(0, 4)
    .map(([name, tensor]) => `${name} [${tensor.shape.join(', ')}] ${tensor.dtype}`)
    .join(', ')
}

function bind(schema: OperatorSchema): BoundOperator {
  const all = schema.arguments
  const positional = all.filter((argument) => !argument.keywordOnly).length
  const { id, results } = schema

  const toResult = (result: unknown, values: readonly unknown[], i: number): unknown => {
    const { holds, sameAs } = results[i]
    if (sameAs >= 0) return values[sameAs]
    if (holds === 'tensor') return result === undefined ? null : wrap(result as number)
    if (holds === 'tensors') return (result as number[]).map(wrap)
    return result
  }

  // Spreading an array into the call costs as much as a small operator does, so that the common counts are spelt out.
  const callWith = (values: readonly unknown[]): unknown => {
    switch (values.length) {
      case 1:
        return native.call(id, unwrap(schema, all[0], values[0]))
      case 2:
        return native.call(id, unwrap(schema, all[0], values[0]), unwrap(schema, all[1], values[1]))
      case 3:
        return native.call(
          id,
          unwrap(schema, all[0], values[0]),
          unwrap(schema, all[1], values[1]),
          unwrap(schema, all[2], values[2]),
        )
      default:
        return native.call(id, ...values.map((value, i) => unwrap(schema, all[i], value)))
    }
  }
  const single = results.length === 1 ? results[0] : undefined
  const makesTensor = single?.holds === 'tensor' && single.sameAs < 0

  const invoke = (values: readonly unknown[]): unknown => {
    let result: unknown
    try {
      result = callWith(values)
    } catch (error) {
      throw engineError(error, schema.name, () => describe(values, schema))
    }
    if (observer === null && makesTensor && result !== undefined) return wrap(result as number)
    const given =
      results.length < 2
        ? results.length === 0
          ? undefined
          : toResult(result, values, 0)
        : (result as unknown[]).map((element, i) => toResult(element, values, i))
    observer?.(schema, values, given)
    return given
  }

  if (positional === all.length) {
    return (...values) => {
      if (values.length > positional) throw tooMany(schema, positional, values.length)
      return invoke(values)
    }
  }
  return (...values) => {
    if (values.length <= positional) return invoke(values)
    if (values.length > positional + 1) throw tooMany(schema, positional, values.length)
    const keywords = values.pop()
    if (keywords === undefined) return invoke(values)
    if (typeof keywords !== 'object' || keywords === null) {
      throw new TypeError(`${schema.name}: expected an object of keyword arguments, got a ${typeof keywords}`)
    }
    for (const [name, value] of Object.entries(keywords)) {
      const position = all.findIndex((argument, i) => i >= positional && argument.name === name)
      if (position < 0) {
        const known = all.slice(positional).map((argument) => argument.name)
        throw new TypeError(`${schema.name}: no keyword argument '${name}'; there are ${known.join(', ')}`)
      }
      while (values.length <= position) values.push(undefined)
      values[position] = value
    }
    return invoke(values)
  }
}

function tooMany(schema: OperatorSchema, positional: number, got: number): TypeError {
  const keywords = schema.arguments.length > positional ? ' and an object of keyword arguments' : ''
  return new TypeError(`${schema.name}: takes ${positional} arguments${keywords}, got ${got}`)
}

/** Binds one operator by name (`add`) and overload (`Tensor`; the unnamed one is `default`). */
export function operator(name: string, overload: string, namespace = 'aten'): BoundOperator {
  const schema = native.findOperator(`${namespace}::${name}`, overload === 'default' ? '' : overload)
  if (!schema) {
    throw new EngineError(
      `libtorch ${native.info().version} has no operator ${namespace}::${name}${overload === 'default' ? '' : `.${overload}`}`,
    )
  }
  return repaired(`${namespace}::${name}`, bind(schema), operator)
}

/**
 * An object that makes its properties when they are first asked for. The trap sits on the prototype: what was made
 * is an ordinary property, found without it.
 */
function lazy<T>(make: (name: string) => T): Record<string, T> {
  const trap = new Proxy(
    {},
    {
      get(_target, name, receiver: Record<string, T>) {
        if (typeof name === 'symbol') return undefined
        const value = make(name)
        Object.defineProperty(receiver, name, { value, enumerable: true })
        return value
      },
    },
  )
  return Object.create(trap) as Record<string, T>
}

/** Every operator of the engine: `aten.<name>.<overload>(…)`. */
export const aten = lazy<Overloads>((name) =>
  lazy((overload) => operator(name, overload)),
) as unknown as AtenOperators
