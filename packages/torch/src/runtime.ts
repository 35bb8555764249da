/** The engine as a whole: what it is, and how many threads it uses. */
import { native } from './native.js'

export interface EngineInfo {
  /** libtorch's version, such as `1.13.0`. */
  version: string
  /** Threads an operation uses. */
  threads: number
  /** Whether this libtorch can use CUDA, and how many devices it sees. */
  cuda: boolean
  cudaDevices: number
  /** The engine's own account of its parallel back ends. */
  parallel: string
}

export function engineInfo(): EngineInfo {
  return native.info()
}

// The engine starts the threads at once, and ends the process where the system refuses one.
const MAX_THREADS = 1024

/** Sets the threads that one operation uses. Call it: the engine's default can be one. */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_THREADS) {
    throw new TypeError(`setNumThreads: expected an integer from 1 to ${MAX_THREADS}, got ${count}`)
  }
  native.setThreads(count)
}

export function getNumThreads(): number {
  return native.threads()
}

/** Prefer algorithms that give the same bits on every run; warns where there is none. */
export function useDeterministicAlgorithms(enabled: boolean): void {
  native.setDeterministic(enabled)
}

/** Gives memory that the allocator holds but does not use back to the system. */
export function releaseMemory(): void {
  native.releaseMemory()
}
