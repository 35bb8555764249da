/**
 * Who frees a tensor. Inside a scope, the scope does, at its end. Outside of every scope, `dispose` does, or, as a
 * backstop, the garbage collector. Collection alone is not enough: it sees small objects, not the megabytes behind
 * them, and lets memory grow without bound.
 */
import type { Tensor } from './tensor.js'
import { native, type Handle } from './native.js'
import { synchronous } from './synchronous.js'

let depth = 0
let reported = 0
let external = 0

/** No tensor ever has this handle: what was freed by name cannot reach another one, however often slots are used. */
const NOTHING: Handle = 0

interface Owned {
  handle: Handle
  bytes: number
}

const registry = new FinalizationRegistry<Owned>((owned) => {
  native.release(owned.handle)
  account(-owned.bytes)
})

// Coarse on purpose: V8 answers every report with work of its own, and a report a tensor starts collection storms.
const REPORT_STEP = 256 * 2 ** 20

function account(bytes: number): void {
  external += bytes
  const change = external - reported
  if (Math.abs(change) > REPORT_STEP && Math.abs(change) > reported * 0.25) {
    native.adjustExternalMemory(change)
    reported = external
  }
}

/** Hands a new tensor to its owner: the open scope, or else the garbage collector. */
export function adopt(tensor: Tensor): void {
  if (depth === 0) giveToCollector(tensor)
}

function giveToCollector(tensor: Tensor): void {
  const bytes = native.nbytes(tensor.handle)
  registry.register(tensor, { handle: tensor.handle, bytes }, tensor)
  account(bytes)
}

/** Frees a tensor now. Using it afterwards is an error. */
export function dispose(tensor: Tensor): void {
  if (!native.alive(tensor.handle)) return
  if (registry.unregister(tensor)) account(-native.nbytes(tensor.handle))
  native.release(tensor.handle)
  tensor.handle = NOTHING
}

/** Takes a tensor from its owner, scope or collector: whoever calls this has to see to its end. */
function disown(tensor: Tensor): Handle {
  if (registry.unregister(tensor)) account(-native.nbytes(tensor.handle))
  if (depth > 0) native.detachFromScopes(tensor.handle)
  return tensor.handle
}

/** Takes a tensor out of every open scope: it lives until it is disposed or collected. */
export function keep<T extends Tensor>(tensor: T): T {
  if (depth > 0) {
    disown(tensor)
    giveToCollector(tensor)
  }
  return tensor
}

/** @internal Moves the tensor behind `source` to `target`, a new object that outlives every scope. */
export function takeOver(target: Tensor, source: Tensor): void {
  target.handle = disown(source)
  source.handle = NOTHING
  giveToCollector(target)
}

/** Puts another tensor behind an object that others already hold, and frees the one it held. */
export function replace(target: Tensor, source: Tensor): void {
  if (target.handle === source.handle) return
  const old = disown(target)
  takeOver(target, source)
  native.release(old)
}

function collect(value: unknown, into: Tensor[], seen?: Set<object>): void {
  if (value === null || typeof value !== 'object') return
  if (isTensor(value)) {
    into.push(value)
    return
  }
  // Containers may hold each other in a circle.
  if (seen?.has(value)) return
  const within = (seen ?? new Set()).add(value)
  if (Array.isArray(value) || value instanceof Set) {
    for (const element of value) collect(element, into, within)
  } else if (value instanceof Map) {
    for (const element of value.values()) collect(element, into, within)
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const element of Object.values(value)) collect(element, into, within)
  }
}

function isTensor(value: object): value is Tensor {
  return 'handle' in value && typeof value.handle === 'number'
}

/**
 * Runs `body` and frees every tensor that it made, but for those in its result (alone, or in arrays, maps, sets and
 * plain objects) and those given to `keep`. Scopes nest: what an inner one returns belongs to the outer one.
 *
 * In training, put the scope round the forward pass and return the loss; run `backward` after it. The graph holds
 * what it needs and frees it on the way back, whereas a scope round both keeps every activation until the end.
 */
export function scope<T>(body: () => T): T {
  const own = native.beginScope()
  depth = own
  const kept: Tensor[] = []
  try {
    const result = synchronous(body(), 'scope()')
    collect(result, kept)
    return result
  } finally {
    // A `Scope` that an exception jumped over is still open in here.
    while (native.scopeDepth() > own) native.endScope()
    endScope(kept)
  }
}

function endScope(kept: readonly Tensor[]): void {
  depth = native.endScope(kept.map((tensor) => tensor.handle))
  if (depth === 0) for (const tensor of new Set(kept)) if (native.alive(tensor.handle)) restore(tensor)
}

// A result that was there before the scope opened is registered already: registering twice would free it twice.
function restore(tensor: Tensor): void {
  if (registry.unregister(tensor)) account(-native.nbytes(tensor.handle))
  giveToCollector(tensor)
}

/**
 * A scope for `using`: frees at the end of the block what was made in it.
 *
 *     { using s = new Scope(); … ; s.keep(result) }
 */
export class Scope implements Disposable {
  #kept: Tensor[] = []
  #depth: number

  constructor() {
    this.#depth = native.beginScope()
    depth = this.#depth
  }

  /** Lets a tensor survive this scope. */
  keep<T extends Tensor>(tensor: T): T {
    this.#kept.push(tensor)
    return tensor
  }

  [Symbol.dispose](): void {
    if (this.#depth === 0) return
    if (native.scopeDepth() !== this.#depth)
      throw new Error('scopes have to end in the reverse order of their start')
    this.#depth = 0
    endScope(this.#kept)
  }
}

/** How many tensors this thread holds. Equal before and after a step, or something leaks. */
export function liveTensors(): number {
  return native.liveTensors()
}
