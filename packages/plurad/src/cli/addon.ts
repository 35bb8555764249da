import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Libtorch, Place } from '@plurad/torch/discover'

/** The part of `native/build.mjs` of `@plurad/torch` that the commands use. */
interface AddonBuilder {
  COMPILER_HINT: string
  LIBTORCH_HINT: string
  buildAddon: (options: {
    env?: NodeJS.ProcessEnv
    onProgress?: (line: string) => void
  }) => Promise<{ addon: string; compiled: number; seconds: number; libtorch: Libtorch }>
  addonState: (options?: { env?: NodeJS.ProcessEnv }) => {
    current: { addon: string; libtorch: Libtorch } | null
    upToDate: boolean
    compiler: { command: string; version: string } | null
    libtorch: Libtorch | null
    places: Place[]
  }
}

/** Loads the addon's build, which lies beside the discovery in `@plurad/torch` and is no part of its interface. */
export async function loadAddonBuilder(): Promise<AddonBuilder> {
  const discover = pathToFileURL(createRequire(import.meta.url).resolve('@plurad/torch/discover'))
  return (await import(new URL('build.mjs', discover).href)) as AddonBuilder
}
