/**
 * What the layers below `Tensor` need of it. Operators make tensors and tensors call operators; this base class
 * keeps the two modules from importing each other.
 */
import type { Handle } from './native.js'
import type { Tensor } from './tensor.js'

export class TensorHandle {
  /** @internal The addon's name for this tensor. */
  handle: Handle

  /** @internal */
  constructor(handle: Handle) {
    this.handle = handle
  }
}

let TensorClass: (new (handle: Handle) => Tensor) | undefined

/** @internal Called once, by the module that defines `Tensor`. */
export function setTensorClass(tensorClass: new (handle: Handle) => Tensor): void {
  TensorClass = tensorClass
}

/** @internal A `Tensor` for a handle that nobody owns yet. */
export function makeTensor(handle: Handle): Tensor {
  if (!TensorClass) throw new Error('the Tensor class is not loaded')
  return new TensorClass(handle)
}
