import type { Libtorch, Place } from './discover.mjs'

/** What `build/current.json` holds: the addon in use and what it was built from. */
export interface CurrentBuild {
  /** Hash of sources, compiler, flags and libtorch. */
  key: string
  /** Hash of the sources alone. */
  sources: string
  /** First line of the compiler's `--version`. */
  compiler: string
  /** Absolute path of the addon. */
  addon: string
  libtorch: Libtorch
}

export interface BuildResult extends CurrentBuild {
  /** Files compiled by this call; 0 when everything was up to date. */
  compiled: number
  /** Files whose object was already there. */
  reused: number
  seconds: number
}

export interface BuildOptions {
  /** Default `process.env`. */
  env?: NodeJS.ProcessEnv
  /** Default `native/src` of this package. */
  sourceDir?: string
  /** Default `build` of this package. */
  buildDir?: string
  /** Compile everything again. */
  force?: boolean
  /** Called with a line of text for every step that ended. */
  onProgress?: (line: string) => void
}

export interface Compiler {
  command: string
  version: string
}

export interface AddonState {
  /** The addon built last, or null. */
  current: CurrentBuild | null
  /** Whether it is what the sources, the compiler and the libtorch found now would give. */
  upToDate: boolean
  compiler: Compiler | null
  libtorch: Libtorch | null
  places: Place[]
}

/** The addon could not be built; the message holds the compiler's first errors and what to do. */
export class BuildError extends Error {}

/** How to get a compiler, in one line. */
export const COMPILER_HINT: string
/** How to get libtorch, in one line. */
export const LIBTORCH_HINT: string

/** The C++ compiler: `$CXX`, then g++, c++ and clang++; null where there is none. */
export function findCompiler(env?: NodeJS.ProcessEnv): Compiler | null

/**
 * Compiles and links the addon, or finds it up to date.
 *
 * @throws {BuildError} no compiler, no libtorch, or a compiler error
 */
export function buildAddon(options?: BuildOptions): Promise<BuildResult>

/** What is built now, and whether a build would change it; compiles nothing. */
export function addonState(options?: BuildOptions): AddonState
