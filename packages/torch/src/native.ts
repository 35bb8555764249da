/**
 * The addon: where it is, how it is loaded, and what it offers. Nothing else in the package talks to it
 * by another way.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EngineError } from './errors.js'
import { limitSpinning } from './openmp.js'

/** A tensor as the addon knows it: a slot and a generation in one small integer. */
export type Handle = number

export interface OperatorArgument {
  name: string
  /** The type in the schema's notation, such as `Tensor`, `int[2]` or `Scalar?`. */
  type: string
  keywordOnly: boolean
  required: boolean
  holds: 'tensor' | 'tensors' | 'generator' | 'value'
}

export interface OperatorResult {
  type: string
  holds: 'tensor' | 'tensors' | 'value'
  /** The argument that an in-place operator gives back, or -1. */
  sameAs: number
}

export interface OperatorSchema {
  id: number
  name: string
  arguments: OperatorArgument[]
  results: OperatorResult[]
}

export interface NativeInfo {
  version: string
  threads: number
  cuda: boolean
  cudaDevices: number
  parallel: string
}

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array

export interface Native {
  findOperator(name: string, overload: string): OperatorSchema | undefined
  listOperators(): string[]
  call(id: number, ...values: unknown[]): unknown

  fromBytes(bytes: TypedArray, dtype: string, shape: readonly number[]): Handle
  readInto(handle: Handle, target: TypedArray): void
  writeFrom(handle: Handle, source: TypedArray): void
  shape(handle: Handle): number[]
  strides(handle: Handle): number[]
  dtype(handle: Handle): string
  device(handle: Handle): string
  nbytes(handle: Handle): number
  isContiguous(handle: Handle, format?: string): boolean
  item(handle: Handle): number | boolean

  release(handle: Handle): void
  alive(handle: Handle): boolean
  beginScope(): number
  endScope(kept?: readonly Handle[]): number
  scopeDepth(): number
  detachFromScopes(handle: Handle): void
  liveTensors(): number

  backward(
    outputs: readonly Handle[],
    gradients: readonly Handle[] | undefined,
    retainGraph: boolean,
    createGraph: boolean,
    inputs: readonly Handle[] | undefined,
  ): void
  grad(
    outputs: readonly Handle[],
    inputs: readonly Handle[],
    gradients: readonly Handle[] | undefined,
    retainGraph: boolean,
    createGraph: boolean,
    allowUnused: boolean,
  ): (Handle | undefined)[]
  requiresGrad(handle: Handle): boolean
  setRequiresGrad(handle: Handle, value: boolean): void
  isLeaf(handle: Handle): boolean
  gradOf(handle: Handle): Handle | undefined
  gradsOf(handles: readonly Handle[]): (Handle | undefined)[]
  setGrad(handle: Handle, gradient: Handle | undefined): void
  clearGrads(handles: readonly Handle[]): void
  setGradMode(enabled: boolean): boolean
  gradMode(): boolean
  autocastState(device: string): { enabled: boolean; dtype: string }
  setAutocast(device: string, enabled: boolean, dtype: string): void
  clearAutocastCache(): void

  info(): NativeInfo
  setThreads(count: number): void
  threads(): number
  manualSeed(seed: number): void
  createGenerator(seed: number): number
  releaseGenerator(generator: number): void
  generatorState(generator: number | undefined): Handle
  setGeneratorState(generator: number | undefined, state: Handle): void
  setDeterministic(enabled: boolean): void
  adjustExternalMemory(bytes: number): number
  releaseMemory(): void
}

const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)))

interface Build {
  addon: string
  libtorch?: { root?: string }
}

function readBuild(file: string): Build {
  try {
    const build = JSON.parse(readFileSync(file, 'utf8')) as Partial<Build> | null
    if (typeof build?.addon === 'string') return build as Build
    throw new Error('it names no addon')
  } catch (error) {
    throw new EngineError(
      `${file} is damaged (${(error as Error).message}). Delete it and run \`npm run setup\` (or \`plurad setup\`).`,
      { cause: error },
    )
  }
}

function load(): Native {
  const file = process.env['PLURAD_TORCH_BUILD'] ?? join(packageFolder, 'build', 'current.json')
  if (!existsSync(file)) {
    throw new EngineError(
      `The libtorch addon is not built (${file} is missing). Run \`npm run setup\` in a clone, or \`plurad setup\`; ` +
        '`plurad doctor` says what is there and what is missing.',
    )
  }
  const build = readBuild(file)
  limitSpinning()
  try {
    return createRequire(import.meta.url)(build.addon) as Native
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const abi = /undefined symbol/.test(message)
      ? ' The addon was built for another libtorch, or for the other C++ ABI.'
      : ''
    throw new EngineError(
      `The libtorch addon ${build.addon} does not load: ${message}.${abi} It was built against ` +
        `${build.libtorch?.root ?? 'an unknown libtorch'}. Run \`npm run setup\` (or \`plurad setup\`) to build it again.`,
      { cause: error },
    )
  }
}

/** The addon, loaded once a thread. Throws `EngineError` when it is missing or does not fit. */
export const native: Native = load()
