/** Which precision and memory layout train fastest on this machine without losing accuracy. */
import { readFileSync } from 'node:fs'
import { RecipeError } from '../errors.js'
import type { Recipe } from '../recipe/schema.js'

export interface Precision {
  /** What convolutions and matrix products are computed in. */
  dtype: 'float32' | 'bfloat16' | 'float16'
  /** Whether images are stored with channels innermost, which the half-precision kernels want. */
  channelsLast: boolean
}

/** Processor features that make bfloat16 arithmetic native: x86 AVX-512 BF16 and AMX, Arm BF16. */
const BFLOAT16_FEATURES = ['avx512_bf16', 'amx_bf16', 'bf16']

export function processorComputesBfloat16(cpuinfo = readCpuInfo()): boolean {
  const words = new Set(cpuinfo.split(/\s+/))
  return BFLOAT16_FEATURES.some((feature) => words.has(feature))
}

function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return ''
  }
}

export function choosePrecision(wanted: Recipe['training']['precision'], device: string): Precision {
  if (wanted === 'float16' && device === 'cpu') {
    throw new RecipeError(
      'training.precision=float16 needs CUDA: processors compute in bfloat16. Use training.precision=bfloat16 or auto.',
    )
  }
  if (wanted === 'float32') return { dtype: 'float32', channelsLast: device !== 'cpu' }
  if (wanted !== 'auto') return { dtype: wanted, channelsLast: true }
  const fast = device !== 'cpu' || processorComputesBfloat16()
  return { dtype: fast ? 'bfloat16' : 'float32', channelsLast: fast }
}
