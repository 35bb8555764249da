import type { DType, MemoryFormat } from '../dtype.js'
import { noGrad } from '../autograd.js'
import { SerializationError } from '../errors.js'
import { keep, replace } from '../memory.js'
import { Parameter } from '../parameter.js'
import { Tensor, type ToOptions } from '../tensor.js'

/** What `loadStateDict` found: keys of the model without a value, and values without a place in the model. */
export interface LoadReport {
  missing: string[]
  unexpected: string[]
}

export interface LoadOptions {
  /** Throw when a key is missing or unexpected (default). */
  strict?: boolean
}

/**
 * A part of a network. Its fields are its contents: `Parameter` fields are learned, other `Tensor` fields are
 * buffers (state that is stored but not learned), `Module` fields are children. Field names are the names in the state
 * dictionary, so they follow PyTorch's: a port of a published network loads its published weights by key. What must
 * not be stored goes into a private `#field`.
 */
export abstract class Module<Inputs extends unknown[] = [Tensor], Output = Tensor> {
  training = true

  abstract forward(...inputs: Inputs): Output

  /** Direct children by name; containers override it. */
  *namedChildren(): Generator<[string, AnyModule]> {
    for (const [name, value] of Object.entries(this))
      if (value instanceof Module) yield [name, value as AnyModule]
  }

  /** This module and all below it, with dotted names. */
  *namedModules(prefix = ''): Generator<[string, AnyModule]> {
    yield [prefix, this]
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(join(prefix, name))
  }

  /** A parameter that stands in several places is listed once, under its first name. */
  *namedParameters(): Generator<[string, Parameter]> {
    const seen = new Set<Parameter>()
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (!(value instanceof Parameter) || seen.has(value)) continue
        seen.add(value)
        yield [join(prefix, name), value]
      }
    }
  }

  *namedBuffers(): Generator<[string, Tensor]> {
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (value instanceof Tensor && !(value instanceof Parameter)) yield [join(prefix, name), value]
      }
    }
  }

  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter)
  }

  /** How many numbers are learned. */
  countParameters(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.numel, 0)
  }

  /** Switches batch norm, dropout and the like between training and evaluation. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode
    return this
  }

  eval(): this {
    return this.train(false)
  }

  requiresGrad_(value = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(value)
    return this
  }

  /**
   * Converts parameters and buffers in place. A dtype applies to the floating-point ones, a memory format to
   * the four- and five-dimensional ones.
   */
  to(options: { dtype?: DType; device?: string; memoryFormat?: MemoryFormat }): this {
    noGrad(() => {
      for (const [, value] of [...this.namedParameters(), ...this.namedBuffers()]) {
        const wanted: ToOptions = {}
        if (options.dtype !== undefined && value.dtype.includes('float')) wanted.dtype = options.dtype
        if (options.device !== undefined) wanted.device = options.device
        const dims =
          options.memoryFormat === 'channels_last' ? 4 : options.memoryFormat === 'channels_last_3d' ? 5 : 0
        if (options.memoryFormat !== undefined && (dims === 0 || value.dim === dims)) {
          wanted.memoryFormat = options.memoryFormat
        }
        if (value instanceof Parameter) value.convert_(wanted)
        else {
          const converted = value.to(wanted)
          if (converted !== value) replace(value, converted)
        }
      }
    })
    return this
  }

  /** Every parameter and buffer by its dotted name: the tensors themselves, not copies. */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>()
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (value instanceof Tensor) state.set(join(prefix, name), value)
      }
    }
    return state
  }

  /** Copies values into parameters and buffers by name. Throws `SerializationError` where shapes differ. */
  loadStateDict(values: ReadonlyMap<string, Tensor>, { strict = true }: LoadOptions = {}): LoadReport {
    const own = this.stateDict()
    const report: LoadReport = {
      missing: [...own.keys()].filter((key) => !values.has(key)),
      unexpected: [...values.keys()].filter((key) => !own.has(key)),
    }
    if (strict && report.missing.length + report.unexpected.length > 0) {
      throw new SerializationError(
        `The weights do not fit the model: ${list('missing', report.missing)}; ${list('unexpected', report.unexpected)}`,
      )
    }
    const matching = [...own].flatMap(([key, target]) => {
      const source = values.get(key)
      return source ? [{ key, target, source }] : []
    })
    for (const { key, target, source } of matching) {
      if (source.shape.join() !== target.shape.join()) {
        throw new SerializationError(
          `The weights do not fit the model: '${key}' has shape [${source.shape.join(', ')}], ` +
            `the model expects [${target.shape.join(', ')}]`,
        )
      }
    }
    noGrad(() => {
      for (const { target, source } of matching) target.copy_(source)
    })
    return report
  }
}

/** A module whose inputs are not known here. */
export type AnyModule = Module<unknown[], unknown>

/** A buffer: stored with the model, not learned. */
export function buffer(values: Tensor): Tensor {
  return keep(values)
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`
}

function list(what: string, keys: readonly string[]): string {
  if (keys.length === 0) return `none ${what}`
  const more = keys.length > 5 ? `, … (${keys.length} in all)` : ''
  return `${what} ${keys.slice(0, 5).join(', ')}${more}`
}
