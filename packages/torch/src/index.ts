/**
 * libtorch for TypeScript: tensors, autograd, `nn`, `optim` and safetensors on PyTorch's own operators.
 */
export { aten, operator, type BoundOperator } from './aten.js'
export type { AtenOperators } from './aten.generated.js'
export * from './autograd.js'
export * from './dtype.js'
export { EngineError, OutOfMemoryError, SerializationError } from './errors.js'
export * from './factory.js'
export { keep, liveTensors, Scope, scope } from './memory.js'
export type { TypedArray } from './native.js'
export {
  runOffThread,
  type OffThreadContext,
  type OffThreadFunction,
  type OffThreadOptions,
} from './off-thread.js'
export { Parameter } from './parameter.js'
export * from './random.js'
export * from './runtime.js'
export { Tensor, type Operand, type ToOptions } from './tensor.js'
export * as nn from './nn/index.js'
export * as optim from './optim/index.js'
export * from './serialize/safetensors.js'
export type { TensorEntry, TensorFile } from './serialize/tensor-file.js'
export { decodeTorchFile, isTorchFile, loadTorchFile, openTorchFile } from './serialize/torch-file.js'
export * from './trace/index.js'
