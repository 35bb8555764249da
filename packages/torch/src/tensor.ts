/**
 * `Tensor`, with the methods that PyTorch users expect. Each is one operator of the engine, named as there
 * (`index_select` is `indexSelect`), in-place ones with a trailing underscore. What has no method is reached through
 * `aten`.
 */
import { aten, wrap } from './aten.js'
import { backward } from './autograd.js'
import { copyBytes } from './bytes.js'
import type { Device, DType, MemoryFormat, Scalar } from './dtype.js'
import { engineError } from './errors.js'
import { dispose, scope } from './memory.js'
import { native, type TypedArray } from './native.js'
import type { Generator } from './random.js'
import { setTensorClass, TensorHandle } from './tensor-handle.js'

/** A tensor or a number: what the second operand of arithmetic may be. */
export type Operand = Tensor | number

export interface ToOptions {
  dtype?: DType
  device?: Device
  memoryFormat?: MemoryFormat
}

const typedArrays = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/** An n-dimensional array in the engine's memory. Make one with `tensor`, `zeros`, `randn` and the like. */
export class Tensor extends TensorHandle {
  // --- what it is ---

  get shape(): number[] {
    return native.shape(this.handle)
  }

  get strides(): number[] {
    return native.strides(this.handle)
  }

  get dtype(): DType {
    return native.dtype(this.handle) as DType
  }

  get device(): Device {
    return native.device(this.handle)
  }

  get dim(): number {
    return native.shape(this.handle).length
  }

  get numel(): number {
    return native.shape(this.handle).reduce((product, size) => product * size, 1)
  }

  /** Size of one dimension; negative counts from the end. */
  size(dim: number): number {
    const { shape } = this
    const size = shape.at(dim)
    if (size === undefined) throw new RangeError(`size(${dim}): the tensor has ${shape.length} dimensions`)
    return size
  }

  isContiguous(memoryFormat: MemoryFormat = 'contiguous_format'): boolean {
    return native.isContiguous(this.handle, memoryFormat)
  }

  override toString(): string {
    return `Tensor [${this.shape.join(', ')}] ${this.dtype} on ${this.device}`
  }

  // --- values out and in ---

  /** The value of a tensor with one element. */
  item(): number {
    try {
      return Number(native.item(this.handle))
    } catch (error) {
      throw engineError(error, 'item', () => this.toString())
    }
  }

  /** A copy of the values in row-major order; half precision comes as `Float32Array`. */
  toTypedArray(): TypedArray {
    const { dtype } = this
    if (dtype === 'float16' || dtype === 'bfloat16') {
      return scope(() => new Float32Array(copyBytes(this.detach().to({ dtype: 'float32' }).handle).buffer))
    }
    const ArrayType = typedArrays[dtype as keyof typeof typedArrays]
    if (ArrayType === undefined) throw new TypeError(`toTypedArray: no typed array holds ${dtype}`)
    return new ArrayType(copyBytes(this.handle).buffer)
  }

  /** The values as flat numbers, in row-major order. */
  toFlatArray(): number[] {
    return Array.from(this.toTypedArray() as ArrayLike<number | bigint>, Number)
  }

  /** The values as nested arrays of the tensor's shape; a number for a tensor without dimensions. */
  toArray(): unknown {
    const flat = this.toFlatArray()
    const { shape } = this
    const nest = (dim: number, offset: number, stride: number): unknown => {
      if (dim === shape.length) return flat[offset]
      const step = stride / shape[dim]
      return Array.from({ length: shape[dim] }, (_, i) => nest(dim + 1, offset + i * step, step))
    }
    return nest(0, 0, flat.length)
  }

  /** Raw bytes in row-major order, of any dtype. */
  toBytes(): Uint8Array {
    return copyBytes(this.handle)
  }

  /** Overwrites the values from a typed array of as many bytes, without recording for autograd. */
  copyFrom(source: TypedArray): this {
    try {
      native.writeFrom(this.handle, source)
    } catch (error) {
      throw engineError(error, 'copyFrom', () => this.toString())
    }
    return this
  }

  // --- life ---

  /** Frees the tensor now. */
  dispose(): void {
    dispose(this)
  }

  [Symbol.dispose](): void {
    dispose(this)
  }

  // --- autograd ---

  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle)
  }

  requiresGrad_(value = true): this {
    try {
      native.setRequiresGrad(this.handle, value)
    } catch (error) {
      throw engineError(error, 'requiresGrad_', () => this.toString())
    }
    return this
  }

  get isLeaf(): boolean {
    return native.isLeaf(this.handle)
  }

  /** The gradient accumulated by `backward`, or null. */
  get grad(): Tensor | null {
    const handle = native.gradOf(this.handle)
    return handle === undefined ? null : wrap(handle)
  }

  set grad(gradient: Tensor | null) {
    try {
      native.setGrad(this.handle, gradient?.handle)
    } catch (error) {
      throw engineError(error, 'grad', () => this.toString())
    }
  }

  /** Accumulates gradients into the leaves that this tensor was computed from. */
  backward(gradient?: Tensor, options: { retainGraph?: boolean; createGraph?: boolean } = {}): void {
    backward(this, { ...options, ...(gradient ? { gradients: [gradient] } : {}) })
  }

  detach(): Tensor {
    return aten.detach.default(this)
  }

  // --- arithmetic ---

  add(other: Operand, alpha: Scalar = 1): Tensor {
    if (!(other instanceof Tensor)) return aten.add.Scalar(this, other, alpha)
    return alpha === 1 ? aten.add.Tensor(this, other) : aten.add.Tensor(this, other, { alpha })
  }

  sub(other: Operand, alpha: Scalar = 1): Tensor {
    if (!(other instanceof Tensor)) return aten.sub.Scalar(this, other, alpha)
    return alpha === 1 ? aten.sub.Tensor(this, other) : aten.sub.Tensor(this, other, { alpha })
  }

  mul(other: Operand): Tensor {
    return other instanceof Tensor ? aten.mul.Tensor(this, other) : aten.mul.Scalar(this, other)
  }

  div(other: Operand): Tensor {
    return other instanceof Tensor ? aten.div.Tensor(this, other) : aten.div.Scalar(this, other)
  }

  pow(exponent: Operand): Tensor {
    return exponent instanceof Tensor
      ? aten.pow.Tensor_Tensor(this, exponent)
      : aten.pow.Tensor_Scalar(this, exponent)
  }

  add_(other: Operand, alpha: Scalar = 1): this {
    if (other instanceof Tensor) aten.add_.Tensor(this, other, { alpha })
    else aten.add_.Scalar(this, other, alpha)
    return this
  }

  sub_(other: Operand, alpha: Scalar = 1): this {
    if (other instanceof Tensor) aten.sub_.Tensor(this, other, { alpha })
    else aten.sub_.Scalar(this, other, alpha)
    return this
  }

  mul_(other: Operand): this {
    if (other instanceof Tensor) aten.mul_.Tensor(this, other)
    else aten.mul_.Scalar(this, other)
    return this
  }

  div_(other: Operand): this {
    if (other instanceof Tensor) aten.div_.Tensor(this, other)
    else aten.div_.Scalar(this, other)
    return this
  }

  maximum(other: Tensor): Tensor {
    return aten.maximum.default(this, other)
  }

  minimum(other: Tensor): Tensor {
    return aten.minimum.default(this, other)
  }

  clamp(min: number | null = null, max: number | null = null): Tensor {
    return aten.clamp.default(this, min, max)
  }

  matmul(other: Tensor): Tensor {
    return aten.matmul.default(this, other)
  }

  bmm(other: Tensor): Tensor {
    return aten.bmm.default(this, other)
  }

  // --- element by element ---

  neg(): Tensor {
    return aten.neg.default(this)
  }

  abs(): Tensor {
    return aten.abs.default(this)
  }

  exp(): Tensor {
    return aten.exp.default(this)
  }

  log(): Tensor {
    return aten.log.default(this)
  }

  log1p(): Tensor {
    return aten.log1p.default(this)
  }

  sqrt(): Tensor {
    return aten.sqrt.default(this)
  }

  rsqrt(): Tensor {
    return aten.rsqrt.default(this)
  }

  sign(): Tensor {
    return aten.sign.default(this)
  }

  tanh(): Tensor {
    return aten.tanh.default(this)
  }

  sigmoid(): Tensor {
    return aten.sigmoid.default(this)
  }

  logSigmoid(): Tensor {
    return aten.log_sigmoid.default(this)
  }

  relu(): Tensor {
    return aten.relu.default(this)
  }

  relu_(): this {
    aten.relu_.default(this)
    return this
  }

  softmax(dim: number): Tensor {
    return aten.softmax.int(this, dim)
  }

  logSoftmax(dim: number): Tensor {
    return aten.log_softmax.int(this, dim)
  }

  isNan(): Tensor {
    return aten.isnan.default(this)
  }

  isFinite(): Tensor {
    return aten.isfinite.default(this)
  }

  // --- comparison and choice ---

  eq(other: Operand): Tensor {
    return other instanceof Tensor ? aten.eq.Tensor(this, other) : aten.eq.Scalar(this, other)
  }

  ne(other: Operand): Tensor {
    return other instanceof Tensor ? aten.ne.Tensor(this, other) : aten.ne.Scalar(this, other)
  }

  gt(other: Operand): Tensor {
    return other instanceof Tensor ? aten.gt.Tensor(this, other) : aten.gt.Scalar(this, other)
  }

  ge(other: Operand): Tensor {
    return other instanceof Tensor ? aten.ge.Tensor(this, other) : aten.ge.Scalar(this, other)
  }

  lt(other: Operand): Tensor {
    return other instanceof Tensor ? aten.lt.Tensor(this, other) : aten.lt.Scalar(this, other)
  }

  le(other: Operand): Tensor {
    return other instanceof Tensor ? aten.le.Tensor(this, other) : aten.le.Scalar(this, other)
  }

  logicalNot(): Tensor {
    return aten.logical_not.default(this)
  }

  logicalAnd(other: Tensor): Tensor {
    return aten.logical_and.default(this, other)
  }

  /** This where `condition` holds, else `other`. */
  where(condition: Tensor, other: Operand): Tensor {
    return other instanceof Tensor
      ? aten.where.self(condition, this, other)
      : aten.where.ScalarOther(condition, this, other)
  }

  maskedFill(mask: Tensor, value: number): Tensor {
    return aten.masked_fill.Scalar(this, mask, value)
  }

  // --- reductions ---

  sum(dim?: number | readonly number[], keepdim = false): Tensor {
    return dim === undefined ? aten.sum.default(this) : aten.sum.dim_IntList(this, listOf(dim), keepdim)
  }

  mean(dim?: number | readonly number[], keepdim = false): Tensor {
    return dim === undefined ? aten.mean.default(this) : aten.mean.dim(this, listOf(dim), keepdim)
  }

  /** Variance; `unbiased` divides by n - 1. */
  variance(dim: number | readonly number[], unbiased = true, keepdim = false): Tensor {
    return aten.var.dim(this, listOf(dim), unbiased, keepdim)
  }

  norm(): Tensor {
    return aten.linalg_vector_norm.default(this)
  }

  max(): Tensor {
    return aten.max.default(this)
  }

  min(): Tensor {
    return aten.min.default(this)
  }

  amax(dim: number | readonly number[], keepdim = false): Tensor {
    return aten.amax.default(this, listOf(dim), keepdim)
  }

  argmax(dim: number, keepdim = false): Tensor {
    return aten.argmax.default(this, dim, keepdim)
  }

  logsumexp(dim: number | readonly number[], keepdim = false): Tensor {
    return aten.logsumexp.default(this, listOf(dim), keepdim)
  }

  cumsum(dim: number): Tensor {
    return aten.cumsum.default(this, dim)
  }

  any(): Tensor {
    return aten.any.default(this)
  }

  all(): Tensor {
    return aten.all.default(this)
  }

  // --- shape ---

  view(...shape: number[]): Tensor {
    return aten.view.default(this, shape)
  }

  reshape(...shape: number[]): Tensor {
    return aten.reshape.default(this, shape)
  }

  flatten(startDim = 0, endDim = -1): Tensor {
    return aten.flatten.using_ints(this, startDim, endDim)
  }

  permute(...dims: number[]): Tensor {
    return aten.permute.default(this, dims)
  }

  transpose(dim0: number, dim1: number): Tensor {
    return aten.transpose.int(this, dim0, dim1)
  }

  squeeze(dim?: number): Tensor {
    return dim === undefined ? aten.squeeze.default(this) : aten.squeeze.dim(this, dim)
  }

  unsqueeze(dim: number): Tensor {
    return aten.unsqueeze.default(this, dim)
  }

  expand(...shape: number[]): Tensor {
    return aten.expand.default(this, shape)
  }

  repeat(...repeats: number[]): Tensor {
    return aten.repeat.default(this, repeats)
  }

  /** Elements `start` to `end` (exclusive) of one dimension, as a view. */
  slice(dim: number, start?: number, end?: number, step = 1): Tensor {
    return aten.slice.Tensor(this, dim, start ?? null, end ?? null, step)
  }

  /** One index of one dimension, which disappears; a view. */
  select(dim: number, index: number): Tensor {
    return aten.select.int(this, dim, index)
  }

  narrow(dim: number, start: number, length: number): Tensor {
    return aten.narrow.default(this, dim, start, length)
  }

  indexSelect(dim: number, index: Tensor): Tensor {
    return aten.index_select.default(this, dim, index)
  }

  gather(dim: number, index: Tensor): Tensor {
    return aten.gather.default(this, dim, index)
  }

  split(size: number, dim = 0): Tensor[] {
    return aten.split.Tensor(this, size, dim)
  }

  chunk(chunks: number, dim = 0): Tensor[] {
    return aten.chunk.default(this, chunks, dim)
  }

  flip(...dims: number[]): Tensor {
    return aten.flip.default(this, dims)
  }

  // --- copies and kinds ---

  clone(memoryFormat: MemoryFormat = 'preserve_format'): Tensor {
    return aten.clone.default(this, { memory_format: memoryFormat })
  }

  contiguous(memoryFormat: MemoryFormat = 'contiguous_format'): Tensor {
    return aten.contiguous.default(this, { memory_format: memoryFormat })
  }

  /** The tensor in another dtype, device or memory format; itself where nothing changes. */
  to(options: ToOptions): Tensor {
    const { dtype = this.dtype, device, memoryFormat } = options
    if (device !== undefined && device !== this.device) {
      return aten.to.device(this, device, dtype, false, false, memoryFormat ?? null)
    }
    return aten.to.dtype(this, dtype, false, false, memoryFormat ?? null)
  }

  float(): Tensor {
    return this.to({ dtype: 'float32' })
  }

  double(): Tensor {
    return this.to({ dtype: 'float64' })
  }

  // --- filling in place ---

  fill_(value: number): this {
    aten.fill_.Scalar(this, value)
    return this
  }

  zero_(): this {
    aten.zero_.default(this)
    return this
  }

  copy_(source: Tensor): this {
    aten.copy_.default(this, source)
    return this
  }

  normal_(mean = 0, std = 1, generator: Generator | null = null): this {
    aten.normal_.default(this, mean, std, { generator })
    return this
  }

  uniform_(from = 0, to = 1, generator: Generator | null = null): this {
    aten.uniform_.default(this, from, to, { generator })
    return this
  }

  clamp_(min: number | null = null, max: number | null = null): this {
    aten.clamp_.default(this, min, max)
    return this
  }
}

setTensorClass(Tensor)

function listOf(dim: number | readonly number[]): readonly number[] {
  return typeof dim === 'number' ? [dim] : dim
}
