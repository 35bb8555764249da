/**
 * The inner loops of resizing, in plain TypeScript: what runs where WebAssembly does not, and what the vector
 * instructions of `resize-simd.ts` are tested against, to the bit. Hence single precision at every step.
 */

/** For each output position the first input position and the weights of those from there on. */
export interface WeightTable {
  /** Weights that are used. */
  taps: number
  /** `taps` rounded up to a multiple of four: weights that are stored, the last ones zero. */
  stride: number
  /** [out]; with all taps inside the image. */
  starts: Int32Array
  /** [out, stride], each row summing to 1. */
  weights: Float32Array
}

/** What of the resized image is wanted: columns and rows from `left`, `top`. */
export interface Window {
  left: number
  top: number
  width: number
  height: number
}

export interface ResizeJob {
  /** [height, width, channels] */
  data: Uint8Array | Uint16Array
  width: number
  channels: 1 | 3
  rows: WeightTable
  columns: WeightTable
  window: Window
  /** Factor on every result. */
  scale: number
  /** [channels, window.height, window.width]: where the result goes. */
  planes: Float32Array
}

/**
 * Both passes, a row of the result at a time, so that what the first leaves is in the nearest cache for the second.
 * The vertical one comes first because it reads memory in order.
 */
export function resizeWithTypeScript(job: ResizeJob): void {
  const { width, channels, columns, window, rows } = job
  const line = new Float32Array((width + columns.stride) * channels)
  for (let row = 0; row < window.height; row++) {
    weighRows(job.data, rows, window.top + row, width * channels, line)
    const to = row * window.width
    if (channels === 1) weighColumns(line, job, to)
    else for (let channel = 0; channel < channels; channel++) weighColumnsOf(channel, line, job, to)
  }
}

const round = Math.fround

/** One row of the result, at the old width, to `line`. */
function weighRows(
  data: Uint8Array | Uint16Array,
  { taps, stride, starts, weights }: WeightTable,
  row: number,
  length: number,
  line: Float32Array,
): void {
  line.fill(0)
  let at = row * stride
  let from = starts[row] * length
  const end = at + taps
  // Two rows a sweep: the sums are read and written half as often.
  for (; at + 1 < end; at += 2, from += 2 * length) {
    const w0 = weights[at]
    const w1 = weights[at + 1]
    const next = from + length
    for (let x = 0; x < length; x++) {
      line[x] = round(round(line[x] + round(w0 * data[from + x])) + round(w1 * data[next + x]))
    }
  }
  if (at < end) {
    const weight = weights[at]
    for (let x = 0; x < length; x++) line[x] = round(line[x] + round(weight * data[from + x]))
  }
}

/** One row of the result from a grey line, in four sums that are added in the end, as a vector has them. */
function weighColumns(line: Float32Array, { columns, window, scale, planes }: ResizeJob, to: number): void {
  const { stride, starts, weights } = columns
  for (let column = window.left; column < window.left + window.width; column++) {
    let from = starts[column]
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let at = column * stride; at < (column + 1) * stride; at += 4, from += 4) {
      a = round(a + round(weights[at] * line[from]))
      b = round(b + round(weights[at + 1] * line[from + 1]))
      c = round(c + round(weights[at + 2] * line[from + 2]))
      d = round(d + round(weights[at + 3] * line[from + 3]))
    }
    planes[to++] = round(round(a + b) + round(c + d)) * scale
  }
}

/** One row of one channel of the result. */
function weighColumnsOf(
  channel: number,
  line: Float32Array,
  { channels, columns, window, scale, planes }: ResizeJob,
  start: number,
): void {
  const { taps, stride, starts, weights } = columns
  let to = channel * window.height * window.width + start
  for (let column = window.left; column < window.left + window.width; column++) {
    let from = starts[column] * channels + channel
    let sum = 0
    for (let at = column * stride; at < column * stride + taps; at++, from += channels) {
      sum = round(sum + round(weights[at] * line[from]))
    }
    planes[to++] = sum * scale
  }
}
