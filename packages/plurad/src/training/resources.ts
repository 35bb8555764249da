/** What a job needs of the machine: threads, device, decoding threads, memory for decoded images. */
import { availableParallelism } from 'node:os'
import { readFileSync } from 'node:fs'
import { engineInfo, EngineError, setNumThreads } from '@plurad/torch'
import { ImageLoader } from '../data/loader.js'
import type { PackSource } from '../data/pack/open.js'
import type { Preprocessing } from '../data/preprocessing.js'

export function useThreads(wanted: number | null): number {
  const threads = wanted ?? availableParallelism()
  setNumThreads(threads)
  return threads
}

/** `auto`, `cpu`, `cuda` or `cuda:N` -> the device. Throws `EngineError` where there is no such device. */
export function chooseDevice(wanted: string): string {
  const { cudaDevices, version } = engineInfo()
  if (wanted === 'auto') return cudaDevices > 0 ? 'cuda:0' : 'cpu'
  if (wanted.startsWith('cuda') && cudaDevices === 0) {
    throw new EngineError(
      `The device ${wanted} was asked for, but libtorch ${version} sees no CUDA device. ` +
        'Use training.device=cpu, or a libtorch with CUDA (`plurad doctor` says which one is in use).',
    )
  }
  return wanted === 'cuda' ? 'cuda:0' : wanted
}

/** Memory that can be taken without swapping, bytes; what the container allows where that is less. */
function availableMemory(): number {
  const number = (file: string, pattern = /(\d+)/): number => {
    try {
      return Number(pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? Infinity)
    } catch {
      return Infinity
    }
  }
  const free = number('/proc/meminfo', /MemAvailable:\s+(\d+)/) * 1024
  const limit = number('/sys/fs/cgroup/memory.max')
  const used = number('/sys/fs/cgroup/memory.current')
  const inGroup = Number.isFinite(limit) && Number.isFinite(used) ? limit - used : Infinity
  const least = Math.min(free, inGroup)
  return Number.isFinite(least) ? Math.max(least, 0) : 2 ** 31
}

export interface LoaderWishes {
  workers: number | null
  cacheMegabytes: number | null
  strict: boolean
  /** How many images will be read; few are read without threads, whose start would take longer. */
  images: number
  pack?: PackSource | null
}

export function makeLoader(
  preprocessing: Preprocessing,
  { workers, cacheMegabytes, strict, images, pack = null }: LoaderWishes,
): ImageLoader {
  const few = images <= 16
  return new ImageLoader({
    ...preprocessing,
    workers: workers ?? (few ? 0 : Math.min(8, Math.max(1, availableParallelism() - 1))),
    cacheBytes: cacheMegabytes === null ? availableMemory() / 4 : cacheMegabytes * 2 ** 20,
    strict,
    pack,
  })
}
