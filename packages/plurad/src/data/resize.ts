/**
 * Separable bilinear resizing with antialiasing, equal to PyTorch's
 * `interpolate(mode='bilinear', antialias=True, align_corners=False)`. Runs in Node and in the browser.
 */

/** For each output position the first input position and the weights of the `taps` from there. */
interface WeightTable {
  taps: number
  /** [out] */
  starts: Int32Array
  /** [out, taps], each row summing to 1, padded with zeros. */
  weights: Float64Array
}

/** What of the resized image is wanted: columns and rows from `left`, `top`. */
export interface Window {
  left: number
  top: number
  width: number
  height: number
}

export type PixelArray = Uint8Array | Uint16Array | Float32Array

const tables = new Map<string, WeightTable>()

/** Data sets mix sizes: bounds the memory of the tables that are kept. */
const MAX_TABLES = 512

/**
 * Triangle filter of half-width `max(1, in/out)` round `(o + 0.5) in/out`, normalised:
 * `w[o, i] ~ max(0, 1 - |i + 0.5 - (o + 0.5) in/out| / max(1, in/out))`.
 */
function weightTable(inSize: number, outSize: number): WeightTable {
  const key = `${inSize}>${outSize}`
  const known = tables.get(key)
  if (known !== undefined) return known
  const scale = inSize / outSize
  const support = Math.max(1, scale)
  const taps = Math.min(inSize, Math.ceil(support) * 2 + 1)
  const starts = new Int32Array(outSize)
  const weights = new Float64Array(outSize * taps)
  for (let out = 0; out < outSize; out++) {
    const centre = (out + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const end = Math.min(inSize, Math.trunc(centre + support + 0.5))
    // Keeps all `taps` inside the image, so that the inner loops need no bounds.
    const start = Math.min(first, inSize - taps)
    const row: number[] = []
    for (let at = first; at < end; at++) row.push(Math.max(0, 1 - Math.abs(at + 0.5 - centre) / support))
    const total = row.reduce((sum, weight) => sum + weight, 0)
    starts[out] = start
    row.forEach((weight, index) => (weights[out * taps + first - start + index] = weight / total))
  }
  const table = { taps, starts, weights }
  if (tables.size >= MAX_TABLES) tables.clear()
  tables.set(key, table)
  return table
}

/**
 * Resizes interleaved pixels and gives planes.
 *
 * @param data [height, width, channels]
 * @param fullScale the value that becomes 1
 * @param window the part of the `outWidth` x `outHeight` result to compute; all of it when left out
 * @returns [channels, window.height, window.width], in [0, 1] of full scale
 */
export function resizeBilinear(
  data: PixelArray,
  width: number,
  height: number,
  channels: number,
  fullScale: number,
  outWidth: number,
  outHeight: number,
  window: Window = { left: 0, top: 0, width: outWidth, height: outHeight },
): Float32Array {
  const rows = weightTable(height, outHeight)
  const columns = weightTable(width, outWidth)
  const planes = new Float32Array(channels * window.height * window.width)
  // One row at a time through both passes: it stays in the processor's nearest cache, and in double precision,
  // which is what JavaScript computes in anyway.
  const line = new Float64Array(width * channels)
  for (let row = 0; row < window.height; row++) {
    weighRows(data, rows, window.top + row, line)
    for (let channel = 0; channel < channels; channel++) {
      const to = (channel * window.height + row) * window.width
      weighColumns(line, channels, channel, fullScale, columns, window, planes, to)
    }
  }
  return planes
}

/** The vertical pass, first because it reads memory in order: one row of the result, at the old width, to `line`. */
function weighRows(
  data: PixelArray,
  { taps, starts, weights }: WeightTable,
  row: number,
  line: Float64Array,
): void {
  const length = line.length
  const start = starts[row] * length
  const at = row * taps
  let tap = 0
  if (taps < 4) line.fill(0)
  // Four rows a sweep: the sums are read and written a quarter as often.
  for (; tap + 3 < taps; tap += 4) {
    const w0 = weights[at + tap]
    const w1 = weights[at + tap + 1]
    const w2 = weights[at + tap + 2]
    const w3 = weights[at + tap + 3]
    const r0 = start + tap * length
    const r1 = r0 + length
    const r2 = r1 + length
    const r3 = r2 + length
    const keep = tap === 0 ? 0 : 1
    for (let x = 0; x < length; x++) {
      line[x] = keep * line[x] + w0 * data[r0 + x] + w1 * data[r1 + x] + w2 * data[r2 + x] + w3 * data[r3 + x]
    }
  }
  for (; tap < taps; tap++) {
    const weight = weights[at + tap]
    if (weight === 0) continue
    const from = start + tap * length
    for (let x = 0; x < length; x++) line[x] += weight * data[from + x]
  }
}

/** The horizontal pass over one row of one channel, which also scales to [0, 1]. */
function weighColumns(
  line: Float64Array,
  channels: number,
  channel: number,
  fullScale: number,
  { taps, starts, weights }: WeightTable,
  window: Window,
  planes: Float32Array,
  to: number,
): void {
  for (let column = window.left; column < window.left + window.width; column++) {
    let from = starts[column] * channels + channel
    let sum = 0
    for (let at = column * taps; at < (column + 1) * taps; at++, from += channels)
      sum += weights[at] * line[from]
    planes[to++] = sum / fullScale
  }
}
