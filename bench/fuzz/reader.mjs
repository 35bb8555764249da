/** The process that reads damaged files for fuzz.mjs, one a message, and says what came of it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { decodeImageBlocking } from '../../packages/plurad/dist/data/formats/decode.js'
import { listArrays, readArray } from '../../packages/plurad/dist/data/formats/numpy/arrays.js'
import { readTable } from '../../packages/plurad/dist/data/sets/table.js'
import { applyRange } from '../../packages/plurad/dist/data/value-range.js'
import { DataError } from '../../packages/plurad/dist/errors.js'

/** Linux: forgets the most memory that this process has had. */
function forgetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Elsewhere the peak is of all files so far.
  }
}

/** The most memory since then, MB. */
function peak() {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return Number(kilobytes) / 1024
  } catch {
    return process.resourceUsage().maxRSS / 1024
  }
}

async function readImage({ path, part, window, bits }) {
  const image = await decodeImageBlocking(part === null ? path : `${path}#${part}`, window)
  const { width, height, channels, data, maxValue } = applyRange(image, { bits })
  const consistent =
    Number.isInteger(width * height) &&
    width > 0 &&
    height > 0 &&
    (channels === 1 || channels === 3) &&
    data.length === width * height * channels &&
    (maxValue === 255 ? data instanceof Uint8Array : maxValue === 65535 && data instanceof Uint16Array)
  if (!consistent)
    throw new Error(`inconsistent image: ${width} x ${height} x ${channels}, ${data.length}, ${maxValue}`)
}

/** The part is a workbook's sheet. */
async function readAnyTable({ path, part }) {
  const table = await readTable(path, { sheet: part ?? undefined })
  const columns = table.columns.length
  // Cells are made when they are asked for: the first and the last rows, and a column whole.
  for (const row of [0, 1, table.length - 1].filter((number) => number >= 0 && number < table.length)) {
    for (let column = 0; column < columns; column++) {
      const cell = table.cell(row, column)
      if (typeof cell !== 'string') throw new Error(`a cell that is no text: ${typeof cell}`)
    }
  }
  if (columns > 0) table.coded(columns - 1)
}

async function readArrays({ path }) {
  const [array] = listArrays(path)
  if (array !== undefined) readArray(path, array.name)
}

const readers = { image: readImage, table: readAnyTable, arrays: readArrays }

async function outcome(task) {
  try {
    await readers[task.reader](task)
    return { result: 'accepted' }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (!(error instanceof DataError)) return { result: 'wrong-error', message: `${error?.stack ?? error}` }
    return message.includes(task.path) ? { result: 'refused', message } : { result: 'unnamed', message }
  }
}

/** What happens outside of the reader's own promise. */
const stray = []
process.on('unhandledRejection', (error) => stray.push(`${error?.stack ?? error}`))
process.on('uncaughtException', (error) => stray.push(`${error?.stack ?? error}`))

process.on('message', async (task) => {
  // Left over from earlier files, it would count against this one.
  if (process.memoryUsage.rss() > 150e6) globalThis.gc?.()
  forgetPeak()
  const started = process.cpuUsage()
  const result = await outcome(task)
  const { user, system } = process.cpuUsage(started)
  await new Promise((done) => setImmediate(done))
  if (stray.length > 0) Object.assign(result, { result: 'uncaught', message: stray.splice(0).join('\n') })
  process.send({ ...result, milliseconds: (user + system) / 1000, peak: peak() })
})

process.send('ready')
