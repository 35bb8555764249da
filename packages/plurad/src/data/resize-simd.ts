/** The resizing kernel in WebAssembly's vector instructions: four numbers at a time. */
import type { ResizeJob, WeightTable } from './resize-kernel.js'
import { f32, f32x4, get, i32, i32x4, repeat, set, v128, compile, type WasmFunction } from './webassembly.js'

/** Values that one turn of the vertical pass takes; it reads and writes up to so many past the end of a line. */
const BLOCK = 16

/**
 * The vertical pass of one row: `line[x] = sum over t of weights[t] * source[t * stride + x]`. Everything is an address
 * or a length in bytes.
 */
function rows(bytes: 1 | 2): WasmFunction {
  const [source, stride, weights, weightsEnd, line, lineEnd, from, weight, factor] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ]
  const halves = [9, 10]
  const sums = [11, 12, 13, 14]
  const eightValues = (at: number) =>
    bytes === 1 ? v128.load8x8(get(from), at) : v128.load(get(from), at * 2)
  const fourValues = (quarter: number) =>
    (quarter % 2 === 0 ? i32x4.extendLow : i32x4.extendHigh)(get(halves[quarter >> 1]))
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128'],
    body: [
      repeat(line, BLOCK * 4, get(lineEnd), [
        set(from, get(source)),
        set(weight, get(weights)),
        sums.map((sum) => set(sum, v128.zero)),
        repeat(weight, 4, get(weightsEnd), [
          set(factor, v128.loadSplat(get(weight))),
          halves.map((half, i) => set(half, eightValues(i * 8))),
          sums.map((sum, quarter) =>
            set(sum, f32x4.add(get(sum), f32x4.mul(get(factor), f32x4.convert(fourValues(quarter))))),
          ),
          set(from, i32.add(get(from), get(stride))),
        ]),
        sums.map((sum, quarter) => v128.store(get(line), get(sum), quarter * 16)),
        set(source, i32.add(get(source), i32.const(BLOCK * bytes))),
      ]),
    ],
  }
}

/** The horizontal pass of one row of a grey image: four neighbours at a time, added up at the end. */
const greyColumns: WasmFunction = (() => {
  const [line, starts, startsEnd, weights, stride, out, scale, from, rowEnd, sum] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]
  const lane = (at: number) => f32x4.lane(get(sum), at)
  const total = f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3)))
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32'],
    locals: ['i32', 'i32', 'v128'],
    body: repeat(starts, 4, get(startsEnd), [
      set(from, i32.add(get(line), i32.load(get(starts)))),
      set(rowEnd, i32.add(get(weights), get(stride))),
      set(sum, v128.zero),
      repeat(weights, 16, get(rowEnd), [
        set(sum, f32x4.add(get(sum), f32x4.mul(v128.load(get(weights)), v128.load(get(from))))),
        set(from, i32.add(get(from), i32.const(16))),
      ]),
      f32.store(get(out), f32.mul(total, get(scale))),
      set(out, i32.add(get(out), i32.const(4))),
    ]),
  }
})()

/** The same of a colour image: a pixel at a time, with the next one's red as a fourth number that is thrown away. */
const colourColumns: WasmFunction = (() => {
  const [line, starts, startsEnd, weights, stride, out, scale, plane, from, rowEnd, sum, to] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ]
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'i32'],
    locals: ['i32', 'i32', 'v128', 'i32'],
    body: repeat(starts, 4, get(startsEnd), [
      set(from, i32.add(get(line), i32.load(get(starts)))),
      set(rowEnd, i32.add(get(weights), get(stride))),
      set(sum, v128.zero),
      repeat(weights, 4, get(rowEnd), [
        set(sum, f32x4.add(get(sum), f32x4.mul(v128.loadSplat(get(weights)), v128.load(get(from))))),
        set(from, i32.add(get(from), i32.const(12))),
      ]),
      set(to, get(out)),
      [0, 1, 2].map((channel) => [
        f32.store(get(to), f32.mul(f32x4.lane(get(sum), channel), get(scale))),
        set(to, i32.add(get(to), get(plane))),
      ]),
      set(out, i32.add(get(out), i32.const(4))),
    ]),
  }
})()

const program = compile({ rows8: rows(1), rows16: rows(2), greyColumns, colourColumns })

/** What needs more memory is left to the other kernel. Enough for 16,384 pixels across. */
const MAX_MEMORY = 2 ** 26

/** Bytes of the source that are copied at once: few enough for the processor's cache. */
const BAND = 2 ** 19

/** Where in memory what lies: addresses in bytes. */
function layOut({ data, width, channels, rows, columns, window }: ResizeJob) {
  let size = 0
  const reserve = (bytes: number): number => {
    const at = size
    // With room for reading and writing past the end.
    size += (Math.ceil(bytes / 16) + BLOCK / 4) * 16
    return at
  }
  const band = Math.max(BAND, rows.taps * width * channels * data.BYTES_PER_ELEMENT)
  const places = {
    starts: reserve(window.width * 4),
    columnWeights: reserve(window.width * columns.stride * 4),
    rowWeights: reserve(window.height * rows.stride * 4),
    line: reserve(width * channels * 4),
    out: reserve(window.width * channels * 4),
    band: reserve(band),
  }
  return { ...places, size }
}

type Layout = ReturnType<typeof layOut>

/** Equal to `resizeWithTypeScript` to the bit, in a fraction of its time; false where it cannot be done here. */
export function resizeWithSimd(job: ResizeJob): boolean {
  const at = layOut(job)
  if (program === null || at.size > MAX_MEMORY) return false
  const { rows8, rows16, greyColumns, colourColumns } = program.functions
  const memory = program.memory(at.size)
  copyTables(job, memory, at)
  const { data, width, channels, rows, columns, window, scale } = job
  const bytes = data.BYTES_PER_ELEMENT
  const stride = width * channels * bytes
  // Only the columns that the window needs.
  const first = columns.starts[window.left] * channels
  const last = (columns.starts[window.left + window.width - 1] + columns.taps) * channels
  const line = [at.line + first * 4, at.line + last * 4]
  const toColumns = [at.line, at.starts, at.starts + window.width * 4, at.columnWeights, columns.stride * 4]
  const weighRows = bytes === 1 ? rows8 : rows16
  const weighColumns = channels === 1 ? greyColumns : colourColumns
  const copyBand = bandCopier(job, memory, at)
  for (let row = 0; row < window.height; row++) {
    const start = rows.starts[window.top + row] * stride
    const source = copyBand(start, start + rows.taps * stride) + first * bytes
    const weights = at.rowWeights + row * rows.stride * 4
    weighRows(source, stride, weights, weights + rows.taps * 4, ...line)
    weighColumns(...toColumns, at.out, scale, window.width * 4)
    copyRow(job, memory, at, row)
  }
  return true
}

function copyTables({ width, channels, rows, columns, window }: ResizeJob, memory: ArrayBuffer, at: Layout) {
  const { left, top } = window
  const copy = ({ weights, stride }: WeightTable, first: number, count: number, to: number): void =>
    new Float32Array(memory, to).set(weights.subarray(first * stride, (first + count) * stride))
  copy(columns, left, window.width, at.columnWeights)
  copy(rows, top, window.height, at.rowWeights)
  const starts = columns.starts.subarray(left, left + window.width)
  new Int32Array(memory, at.starts).set(starts.map((column) => column * channels * 4))
  // What is read past the last column has weight 0, but must be a number all the same.
  new Float32Array(memory, at.line, width * channels + BLOCK).fill(0)
}

/** Gives the address of a part of the source, given in bytes; what comes after it is copied along with it. */
function bandCopier({ data }: ResizeJob, memory: ArrayBuffer, at: Layout) {
  const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const band = new Uint8Array(memory, at.band)
  let [bandStart, bandEnd] = [0, 0]
  return (start: number, end: number): number => {
    if (end > bandEnd) {
      bandStart = start
      bandEnd = Math.min(source.length, Math.max(end, start + BAND))
      band.set(source.subarray(bandStart, bandEnd))
    }
    return at.band + start - bandStart
  }
}

/** A finished row to where it belongs in each plane. */
function copyRow({ channels, window, planes }: ResizeJob, memory: ArrayBuffer, at: Layout, row: number) {
  for (let channel = 0; channel < channels; channel++) {
    const plane = new Float32Array(memory, at.out + channel * window.width * 4, window.width)
    planes.set(plane, (channel * window.height + row) * window.width)
  }
}
