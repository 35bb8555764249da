/** Random numbers of the engine: seeds, generators, and their state for checkpoints. */
import { copyBytes } from './bytes.js'
import { engineError } from './errors.js'
import { native } from './native.js'

/**
 * Seeds the default generators of every device, as `torch.manual_seed`. `seed` is a non-negative safe integer.
 * The default generator belongs to the process: threads that draw from it at the same time share its stream. Where
 * numbers have to be the same on every run, draw in one thread only, or from a `Generator`.
 */
export function manualSeed(seed: number): void {
  native.manualSeed(checkedSeed('manualSeed', seed))
}

function checkedSeed(context: string, seed: number): number {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new TypeError(`${context}: expected a non-negative safe integer, got ${seed}`)
  }
  return seed
}

const generators = new FinalizationRegistry<number>((handle) => native.releaseGenerator(handle))

/** A source of random numbers of its own, independent of the default one (CPU). */
export class Generator {
  /** @internal */
  readonly handle: number

  constructor(seed: number) {
    this.handle = native.createGenerator(checkedSeed('Generator', seed))
    generators.register(this, this.handle)
  }

  getState(): Uint8Array {
    return readState(this.handle)
  }

  setState(state: Uint8Array): void {
    writeState(this.handle, state)
  }
}

/** The state of the default CPU generator, as bytes to store. */
export function getRandomState(): Uint8Array {
  return readState(undefined)
}

/** Continues the default CPU generator from a stored state. */
export function setRandomState(state: Uint8Array): void {
  writeState(undefined, state)
}

function readState(generator: number | undefined): Uint8Array {
  const handle = native.generatorState(generator)
  try {
    return copyBytes(handle)
  } finally {
    native.release(handle)
  }
}

function writeState(generator: number | undefined, state: Uint8Array): void {
  const handle = native.fromBytes(state, 'uint8', [state.length])
  try {
    native.setGeneratorState(generator, handle)
  } catch (error) {
    throw engineError(error, 'setState')
  } finally {
    native.release(handle)
  }
}
