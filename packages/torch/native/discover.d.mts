/** Where a libtorch was found. */
export type Origin = 'env' | 'system' | 'python' | 'cache'

/** A libtorch that the addon can be compiled and linked against. */
export interface Libtorch {
  /** The folder that holds `include/` and the libraries; `/usr` for the system's. */
  root: string
  origin: Origin
  /** Such as `2.6.0`. */
  version: string
  includeDirs: string[]
  libDir: string
  /** Absolute paths of the shared libraries to link, in link order. */
  libraries: string[]
  /** Whether it was built with `_GLIBCXX_USE_CXX11_ABI=1`; wheels before 2.6 were not. */
  cxx11Abi: boolean
  /** Whether libtorch_cuda and libc10_cuda are there (not whether a device is). */
  cuda: boolean
}

/** A place that was looked at: usable, or passed over for a reason. */
export type Place =
  | { origin: Origin; path: string; libtorch: Libtorch; reason: null }
  | { origin: Origin; path: string; libtorch: null; reason: string }

export interface Discovery {
  /** The first usable libtorch in the order of search, or null. */
  libtorch: Libtorch | null
  /** Every place looked at, in order. */
  places: Place[]
}

export interface DiscoverOptions {
  /** Default `process.env`. */
  env?: NodeJS.ProcessEnv
  /** Where the system's packages lie; default `/usr`. */
  systemPrefix?: string
  /** Look everywhere, also after the first usable one was found. Default false. */
  all?: boolean
}

/** The oldest libtorch that the addon is known to compile against. */
export const OLDEST_VERSION: string

/**
 * Looks for libtorch: `PLURAD_LIBTORCH` (and nothing else when it is set), the system's, the `torch`
 * package of the Python on the PATH, the user's cache.
 */
export function discoverLibtorch(options?: DiscoverOptions): Discovery

/** The folder that `plurad setup` fills. */
export function cacheFolder(env?: NodeJS.ProcessEnv): string

/** Compares dotted versions by number: negative, zero or positive, as for `Array.sort`. */
export function compareVersions(a: string, b: string): number

/** One line about a place, for people. */
export function describePlace(place: Place): string
