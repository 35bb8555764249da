/** Modes and free functions of automatic differentiation. */
import { wrap } from './aten.js'
import type { DType } from './dtype.js'
import { engineError } from './errors.js'
import { native } from './native.js'
import { synchronous } from './synchronous.js'
import type { Tensor } from './tensor.js'
import { TensorHandle } from './tensor-handle.js'

function withGradMode<T>(enabled: boolean, body: () => T): T {
  const previous = native.setGradMode(enabled)
  try {
    return synchronous(body(), enabled ? 'enableGrad()' : 'noGrad()')
  } finally {
    native.setGradMode(previous)
  }
}

/** Runs `body` without recording for autograd. */
export function noGrad<T>(body: () => T): T {
  return withGradMode(false, body)
}

/** Records for autograd again inside `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGradMode(true, body)
}

export function isGradEnabled(): boolean {
  return native.gradMode()
}

function listOf(tensors: Tensor | readonly Tensor[]): readonly Tensor[] {
  return tensors instanceof TensorHandle ? [tensors] : tensors
}

export interface BackwardOptions {
  /** Gradient of each output; may be left out for outputs of one element. */
  gradients?: readonly Tensor[]
  retainGraph?: boolean
  createGraph?: boolean
  /** Only accumulate into these leaves. */
  inputs?: readonly Tensor[]
}

/** Accumulates d(outputs)/d(leaf) into the gradient of every leaf, as `torch.autograd.backward`. */
export function backward(outputs: Tensor | readonly Tensor[], options: BackwardOptions = {}): void {
  const list = listOf(outputs)
  try {
    native.backward(
      list.map((t) => t.handle),
      options.gradients?.map((t) => t.handle),
      options.retainGraph ?? false,
      options.createGraph ?? false,
      options.inputs?.map((t) => t.handle),
    )
  } catch (error) {
    throw engineError(error, 'backward')
  }
}

export interface GradOptions {
  gradients?: readonly Tensor[]
  retainGraph?: boolean
  createGraph?: boolean
  /** Give null for inputs that the outputs do not depend on, instead of throwing. */
  allowUnused?: boolean
}

/** The gradients of outputs with respect to inputs, without touching any `.grad`, as `torch.autograd.grad`. */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const list = listOf(outputs)
  try {
    return native
      .grad(
        list.map((t) => t.handle),
        inputs.map((t) => t.handle),
        options.gradients?.map((t) => t.handle),
        options.retainGraph ?? false,
        options.createGraph ?? false,
        options.allowUnused ?? false,
      )
      .map((handle) => (handle === undefined ? null : wrap(handle)))
  } catch (error) {
    throw engineError(error, 'grad')
  }
}

export interface AutocastOptions {
  /** `cpu` (default) or `cuda`. */
  device?: 'cpu' | 'cuda'
  /** `bfloat16` (default) or `float16`. */
  dtype?: Extract<DType, 'bfloat16' | 'float16'>
  enabled?: boolean
}

/**
 * Runs the operations of `body` that allow it (convolutions, matrix products) in half precision, the rest in the
 * precision of their inputs, as `torch.autocast`. Put it round forward and loss, not round backward.
 */
export function autocast<T>(options: AutocastOptions, body: () => T): T {
  const device = options.device ?? 'cpu'
  const previous = native.autocastState(device)
  native.setAutocast(device, options.enabled ?? true, options.dtype ?? 'bfloat16')
  try {
    return synchronous(body(), 'autocast()')
  } finally {
    native.setAutocast(device, previous.enabled, previous.dtype)
    // The cached casts hold the graph of this forward pass; the outermost region lets them go.
    if (!previous.enabled) native.clearAutocastCache()
  }
}
