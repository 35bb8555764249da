import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os'

/** Processor features that decide how fast training on a CPU is. */
export const CPU_FEATURES = ['avx2', 'avx512', 'avx512_bf16', 'amx'] as const
export type CpuFeature = (typeof CPU_FEATURES)[number]

/** What a training run can use of this machine, limits of its container honoured. */
export interface Machine {
  system: string
  kernel: string
  arch: string
  cpu: { model: string; cores: number; features: Record<CpuFeature, boolean> | null }
  /** Bytes. */
  memory: { total: number; available: number; limited: boolean }
  disk: { path: string; free: number }
}

export function describeMachine(folder: string = process.cwd()): Machine {
  const limit = process.constrainedMemory()
  const limited = limit > 0 && limit < totalmem()
  const { bavail, bsize } = statfsSync(folder)
  return {
    system: systemName(),
    kernel: `${platform()} ${release()}`,
    arch: arch(),
    cpu: { model: cpus()[0]?.model.trim() || 'unknown', cores: usableCores(), features: readFeatures() },
    memory: {
      total: limited ? limit : totalmem(),
      available: typeof process.availableMemory === 'function' ? process.availableMemory() : freemem(),
      limited,
    },
    disk: { path: folder, free: bavail * bsize },
  }
}

/**
 * Reads processor features from the text of `/proc/cpuinfo`. `avx512` means the foundation (avx512f),
 * `amx` the tile unit with bfloat16 or int8.
 */
export function parseCpuFeatures(cpuinfo: string): Record<CpuFeature, boolean> {
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/))
  return {
    avx2: flags.has('avx2'),
    avx512: flags.has('avx512f'),
    avx512_bf16: flags.has('avx512_bf16'),
    amx: flags.has('amx_bf16') || flags.has('amx_int8'),
  }
}

/** Cores that a control group's `cpu.max` (`quota period`, microseconds) grants, rounded up; null where unlimited. */
export function parseCpuQuota(text: string): number | null {
  const [quota, period] = text.trim().split(/\s+/).map(Number)
  return quota && period ? Math.max(1, Math.ceil(quota / period)) : null
}

function readFeatures(): Record<CpuFeature, boolean> | null {
  const text = readIfThere('/proc/cpuinfo')
  return text === null ? null : parseCpuFeatures(text)
}

function usableCores(): number {
  const quota = parseCpuQuota(readIfThere('/sys/fs/cgroup/cpu.max') ?? '')
  return Math.min(availableParallelism(), quota ?? Infinity)
}

function systemName(): string {
  const name = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(readIfThere('/etc/os-release') ?? '')
  return name?.[1] ?? platform()
}

function readIfThere(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
