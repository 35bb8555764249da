/**
 * Separable resizing with antialiasing, equal to PyTorch's `interpolate(mode='bilinear' or 'bicubic', antialias=True,
 * align_corners=False)`. Runs in Node and in the browser.
 */
import type { Preprocessing } from './preprocessing.js'
import { resizeWithTypeScript, type ResizeJob, type WeightTable, type Window } from './resize-kernel.js'
import { resizeWithSimd } from './resize-simd.js'

export type { Window } from './resize-kernel.js'

interface Filter {
  /** The filter is 0 from here on, in output pixels. */
  support: number
  /** @param x distance from the centre, at least 0 */
  weigh: (x: number) => number
}

const filters: Readonly<Record<Preprocessing['interpolation'], Filter>> = {
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - x) },
  /** Keys' cubic convolution with a = -0.5 (1981), which is what PyTorch and Pillow take. */
  bicubic: {
    support: 2,
    weigh: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0),
  },
}

const tables = new Map<string, WeightTable>()

/** Data sets mix sizes: bounds the memory of the tables that are kept. */
const MAX_TABLES = 512

/**
 * The filter round `(o + 0.5) in/out`, wider by in/out where that is above 1, normalised:
 * `w[o, i] ~ filter((i + 0.5 - (o + 0.5) in/out) / max(1, in/out))`.
 */
function weightTable(
  inSize: number,
  outSize: number,
  interpolation: Preprocessing['interpolation'],
): WeightTable {
  const key = `${inSize}>${outSize} ${interpolation}`
  const known = tables.get(key)
  if (known !== undefined) return known
  const { support, weigh } = filters[interpolation]
  const scale = inSize / outSize
  const widening = Math.max(1, scale)
  const rows = Array.from({ length: outSize }, (_, out) => {
    const centre = (out + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support * widening + 0.5))
    const end = Math.min(inSize, Math.trunc(centre + support * widening + 0.5))
    const weights: number[] = []
    for (let at = first; at < end; at++) weights.push(weigh(Math.abs(at + 0.5 - centre) / widening))
    return { first, weights, total: weights.reduce((sum, weight) => sum + weight, 0) }
  })
  const taps = rows.reduce((most, { weights }) => Math.max(most, weights.length), 0)
  const stride = Math.ceil(taps / 4) * 4
  const table = { taps, stride, starts: new Int32Array(outSize), weights: new Float32Array(outSize * stride) }
  rows.forEach(({ first, weights, total }, out) => {
    // Keeps all taps inside the image, so that the inner loops need no bounds.
    const start = Math.min(first, inSize - taps)
    table.starts[out] = start
    weights.forEach((weight, at) => (table.weights[out * stride + first - start + at] = weight / total))
  })
  if (tables.size >= MAX_TABLES) tables.clear()
  tables.set(key, table)
  return table
}

export interface ResizeOptions {
  /** Size of the whole result. */
  outWidth: number
  outHeight: number
  interpolation?: Preprocessing['interpolation']
  /** The part of the result to compute; all of it when left out. */
  window?: Window
}

/** The integers that are resized, and the one that becomes 1. */
export interface Source {
  /** Row-major and interleaved, [height, width, channels]. */
  data: Uint8Array | Uint16Array
  width: number
  height: number
  channels: 1 | 3
  maxValue: number
}

/**
 * Resizes interleaved pixels and gives planes.
 *
 * @returns [channels, window.height, window.width], in [0, 1] of full scale; bicubic weights are negative in places, so
 *   that its result can leave that range by a little
 */
export function resize(source: Source, options: ResizeOptions): Float32Array<ArrayBuffer> {
  const job = resizeJob(source, options)
  if (!resizeWithSimd(job)) resizeWithTypeScript(job)
  return job.planes
}

/** What the kernels are given to do. */
export function resizeJob(
  { data, width, height, channels, maxValue }: Source,
  { outWidth, outHeight, interpolation = 'bilinear', window: part }: ResizeOptions,
): ResizeJob & { planes: Float32Array<ArrayBuffer> } {
  const window = part ?? { left: 0, top: 0, width: outWidth, height: outHeight }
  return {
    data,
    width,
    channels,
    rows: weightTable(height, outHeight, interpolation),
    columns: weightTable(width, outWidth, interpolation),
    window,
    scale: Math.fround(1 / maxValue),
    planes: new Float32Array(channels * window.height * window.width),
  }
}
