/**
 * Feeds damaged files to every reader of images and tables: each must give a picture that is consistent in itself or a
 * DataError that names the file, within five seconds and 512 MB, and never end the process.
 *
 *     node bench/fuzz.mjs --files 20000 --save     all formats; the summary goes to results/fuzz.csv
 *     node bench/fuzz.mjs --only tiff --files 500  one format
 *     node bench/fuzz.mjs --case tiff:123 --keep x.tif
 *                                                  one file again, as printed with a failure; kept where you say
 *
 * Starts from the fixtures of the tests and, where there is one, from the folder of public data (PLURAD_DATA or
 * ../shared/data). The damage depends on the format, the number and --seed alone. Ends with 1 where a reader failed.
 */
import { fork } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mutate, randomFrom } from './fuzz/mutate.mjs'
import { seedsOf } from './fuzz/seeds.mjs'

const TIMEOUT_MS = 5000
const PEAK_MB = 512

const here = dirname(fileURLToPath(import.meta.url))
const { values: flags } = parseArgs({
  options: {
    files: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    case: { type: 'string' },
    keep: { type: 'string' },
    save: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const seeds = await seedsOf(dirname(here))
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plurad-fuzz-'))
// Compressed arrays are copied there; it goes away with the rest.
process.env.XDG_CACHE_HOME = join(folder, 'cache')

/** The file of a number, damaged, and what is asked of it. */
function taskOf(format, number) {
  const random = randomFrom(Number(flags.seed) * 1_000_003 + number * 7919 + hash(format))
  const { files, reader, parts } = seeds[format]
  const seed = random.pick(files)
  const others = random.next() < 0.7 ? files : seeds[random.pick(Object.keys(seeds))].files
  const { bytes, how } = mutate(seed.bytes(), random.pick(others).bytes(), random)
  return {
    bytes,
    how: `${seed.name} ${how}`,
    task: {
      reader,
      path: join(folder, `${number}${seed.ending}`),
      part: random.next() < 0.75 ? null : random.pick(parts),
      window: random.pick(['file', 'file', 'full', 'lung', { center: 0.5, width: 1 }, { preset: 0 }]),
      bits: random.pick([null, null, null, 12]),
    },
  }
}

function hash(text) {
  return [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7) >>> 0
}

let child = null

async function reader() {
  if (child?.connected) return child
  child = fork(join(here, 'fuzz', 'reader.mjs'), {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  child.errors = ''
  child.stderr.on('data', (text) => (child.errors = (child.errors + text).slice(-2000)))
  await new Promise((done, failed) => {
    child.once('message', done)
    child.once('exit', () => failed(new Error(`the reading process does not start: ${child.errors}`)))
  })
  return child
}

/** One file's outcome; the process is ended where it takes too long. */
async function read(task) {
  const process = await reader()
  return new Promise((done) => {
    const finish = (result) => {
      clearInterval(timer)
      process.removeAllListeners('message')
      process.removeAllListeners('exit')
      done(result)
    }
    const end = (result) => {
      child = null
      process.kill('SIGKILL')
      finish({ message: '', milliseconds: TIMEOUT_MS, peak: 0, ...result })
    }
    const before = cpuMilliseconds(process.pid)
    const started = performance.now()
    // Its own time counts: on a busy machine it may have had little of it.
    const timer = setInterval(() => {
      const milliseconds = cpuMilliseconds(process.pid) - before
      if (milliseconds > TIMEOUT_MS || performance.now() - started > 12 * TIMEOUT_MS)
        end({ result: 'hang', milliseconds })
    }, 250)
    process.once('message', (message) => {
      if (message.peak > PEAK_MB)
        Object.assign(message, { result: 'memory', message: `${message.peak.toFixed(0)} MB` })
      finish(message)
    })
    process.once('exit', (code, signal) =>
      end({ result: 'crash', message: `${signal ?? code} ${process.errors}` }),
    )
    process.send(task)
  })
}

/** Processor time of a process, in user and kernel, as Linux counts it; elsewhere the clock's. */
function cpuMilliseconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return performance.now()
  }
}

async function run(format, number) {
  const { bytes, how, task } = taskOf(format, number)
  if (flags.keep) writeFileSync(flags.keep, bytes)
  writeFileSync(task.path, bytes)
  const result = await read(task)
  rmSync(task.path, { force: true })
  return { ...result, how, task }
}

const wanted = flags.case
  ? [flags.case.split(':')[0]]
  : flags.only
    ? flags.only.split(',')
    : Object.keys(seeds)
const unknown = wanted.find((format) => !(format in seeds))
if (unknown !== undefined) {
  console.error(`No format ${unknown}: there are ${Object.keys(seeds).join(', ')}`)
  process.exit(2)
}
const summary = []
let failures = 0
for (const format of wanted) {
  const shares = wanted.reduce((sum, name) => sum + seeds[name].share, 0)
  const count = Math.ceil((Number(flags.files) * seeds[format].share) / shares)
  const numbers = flags.case
    ? [Number(flags.case.split(':')[1])]
    : Array.from({ length: count }, (_, index) => index)
  const row = { format, files: 0, accepted: 0, refused: 0, failed: 0, slowest_ms: 0, peak_rss_mb: 0 }
  for (const number of numbers) {
    const { result, message, milliseconds, peak, how, task } = await run(format, number)
    row.files++
    const good = result === 'accepted' || result === 'refused'
    row[good ? result : 'failed']++
    row.slowest_ms = Math.max(row.slowest_ms, Math.round(milliseconds))
    row.peak_rss_mb = Math.max(row.peak_rss_mb, Math.round(peak))
    if (flags.case)
      console.log(result, `${milliseconds.toFixed(1)} ms`, `${peak.toFixed(0)} MB`, how, task, message)
    else if (!good)
      console.error(`${format}:${number} ${result}: ${how} ${JSON.stringify(task)}\n    ${message}`)
  }
  failures += row.failed
  summary.push(row)
  if (!flags.json && !flags.case)
    console.log(
      Object.entries(row)
        .map(([key, value]) => `${key} ${value}`)
        .join('  '),
    )
}
child?.kill()
rmSync(folder, { recursive: true, force: true })
if (flags.json) console.log(JSON.stringify(summary))
if (flags.save) {
  const path = join(here, 'results', 'fuzz.csv')
  const about = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model.replace(/\s+\d+-Core.*| Processor.*/g, ''),
    node: process.version,
    seed: flags.seed,
  }
  const header = Object.keys({ ...about, ...summary[0] }).join(',')
  if (!existsSync(path) || !readFileSync(path, 'utf8').startsWith(header)) writeFileSync(path, `${header}\n`)
  for (const row of summary) appendFileSync(path, `${Object.values({ ...about, ...row }).join(',')}\n`)
}
process.exit(failures > 0 ? 1 : 0)
