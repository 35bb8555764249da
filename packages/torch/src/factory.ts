/** Tensors from nothing, from numbers, and from other tensors. */
import { aten, wrap } from './aten.js'
import type { Device, DType } from './dtype.js'
import { engineError } from './errors.js'
import { native, type TypedArray } from './native.js'
import type { Generator } from './random.js'
import type { Tensor } from './tensor.js'

export interface FactoryOptions {
  /** Default `float32`, also where the engine would take an integer dtype from an integral number. */
  dtype?: DType
  device?: Device
}

export interface RandomOptions extends FactoryOptions {
  generator?: Generator
}

type Nested = number | boolean | readonly Nested[]

const dtypeOfArray = new Map<unknown, DType>([
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [BigInt64Array, 'int64'],
  [Int32Array, 'int32'],
  [Int16Array, 'int16'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
])

const keywords = ({ dtype = 'float32', device }: FactoryOptions) => ({ dtype, device: device ?? null })

/** A tensor with a copy of a typed array's values; `dtype` names how the bytes are read, by default the array's own. */
export function fromTypedArray(
  values: TypedArray,
  shape: readonly number[] = [values.length],
  options: FactoryOptions = {},
): Tensor {
  const dtype = options.dtype ?? dtypeOfArray.get(values.constructor)
  if (dtype === undefined) throw new TypeError(`fromTypedArray: give a dtype for ${values.constructor.name}`)
  let handle: number
  try {
    handle = native.fromBytes(values, dtype, shape)
  } catch (error) {
    throw engineError(error, `fromTypedArray, shape [${shape.join(', ')}]`)
  }
  return toDevice(wrap(handle), options.device)
}

function toDevice(tensor: Tensor, device: Device | undefined): Tensor {
  return device === undefined || device === 'cpu' ? tensor : tensor.to({ device })
}

/** A tensor from numbers or nested arrays of equal lengths: `tensor([[1, 2], [3, 4]])`. */
export function tensor(values: Nested, options: FactoryOptions = {}): Tensor {
  const shape: number[] = []
  for (let level: Nested = values; Array.isArray(level); level = (level as readonly Nested[])[0] ?? 0) {
    shape.push(level.length)
  }
  const flat: number[] = []
  const visit = (value: Nested, dim: number): void => {
    if (typeof value === 'number' || typeof value === 'boolean') {
      if (dim !== shape.length) throw new TypeError('tensor: nested arrays have to be of equal depth')
      flat.push(Number(value))
      return
    }
    if (dim === shape.length) throw new TypeError('tensor: nested arrays have to be of equal depth')
    if (value.length !== shape[dim]) {
      throw new TypeError(`tensor: an array of length ${value.length} beside one of length ${shape[dim]}`)
    }
    for (const element of value) visit(element, dim + 1)
  }
  visit(values, 0)
  const { dtype = 'float32', device } = options
  const double = wrap(native.fromBytes(Float64Array.from(flat), 'float64', shape))
  if (dtype === 'float64') return toDevice(double, device)
  const converted = toDevice(double.to({ dtype }), device)
  double.dispose()
  return converted
}

export function empty(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return aten.empty.memory_format(shape, keywords(options))
}

export function zeros(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return aten.zeros.default(shape, keywords(options))
}

export function ones(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return aten.ones.default(shape, keywords(options))
}

export function full(shape: readonly number[], value: number, options: FactoryOptions = {}): Tensor {
  return aten.full.default(shape, value, keywords(options))
}

export function zerosLike(other: Tensor): Tensor {
  return aten.zeros_like.default(other)
}

export function onesLike(other: Tensor): Tensor {
  return aten.ones_like.default(other)
}

export function eye(size: number, options: FactoryOptions = {}): Tensor {
  return aten.eye.default(size, keywords(options))
}

/** `start`, `start + step`, … below `end`; int64 by default, as index. */
export function arange(start: number, end: number, step = 1, options: FactoryOptions = {}): Tensor {
  return aten.arange.start_step(start, end, step, keywords({ dtype: 'int64', ...options }))
}

export function linspace(start: number, end: number, steps: number, options: FactoryOptions = {}): Tensor {
  return aten.linspace.default(start, end, steps, keywords(options))
}

/** Standard normal numbers. */
export function randn(shape: readonly number[], options: RandomOptions = {}): Tensor {
  return aten.randn.generator(shape, { ...keywords(options), generator: options.generator ?? null })
}

/** Uniform numbers in [0, 1). */
export function rand(shape: readonly number[], options: RandomOptions = {}): Tensor {
  return aten.rand.generator(shape, { ...keywords(options), generator: options.generator ?? null })
}

/** Integers from `low` to `high` (exclusive); int64 by default. */
export function randint(
  low: number,
  high: number,
  shape: readonly number[],
  options: RandomOptions = {},
): Tensor {
  const generator = options.generator ?? null
  return aten.randint.low_generator(low, high, shape, {
    ...keywords({ dtype: 'int64', ...options }),
    generator,
  })
}

export function randperm(size: number, options: RandomOptions = {}): Tensor {
  const generator = options.generator ?? null
  return aten.randperm.generator(size, { ...keywords({ dtype: 'int64', ...options }), generator })
}

export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return aten.cat.default(tensors, dim)
}

export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return aten.stack.default(tensors, dim)
}
