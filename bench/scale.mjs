/**
 * What a data set of a million images takes, in time and memory, from its table to the batches of an epoch. The table is
 * made up, in NIH's layout; its images are links to one file; the pack has small, made-up pixels.
 *
 *     node bench/scale.mjs                            a million rows; needs 3 GB of disk and 1 million inodes
 *     node bench/scale.mjs --rows 100000 --save       kept in results/scale.csv
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const flags = process.argv.slice(2)
const rows = flags.includes('--rows') ? Number(flags[flags.indexOf('--rows') + 1]) : 1_000_000
const size = 32
const folder = mkdtempSync(join(tmpdir(), 'plurad-scale-'))

try {
  await makeData()
  const parts = flags.includes('--part')
    ? [flags[flags.indexOf('--part') + 1]]
    : ['index', 'engine', 'write', 'read']
  for (const part of parts) {
    console.log(`\n${part}`)
    const { results, version } = run(part)
    for (const result of results) {
      const { step, seconds, cpu_seconds, live_mb, peak_mb } = result
      console.log(
        `  ${step.padEnd(44)} ${seconds.toFixed(2).padStart(8)} s  ${cpu_seconds.toFixed(2).padStart(8)} s CPU  ` +
          `${live_mb.toFixed(0).padStart(6)} MB live  ${peak_mb.toFixed(0).padStart(6)} MB peak`,
      )
      if (flags.includes('--save')) save(part, result, version)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** A table of NIH's columns, three images a patient, and as many names for one image file. */
async function makeData() {
  const images = join(folder, 'data', 'images')
  mkdirSync(images, { recursive: true })
  const image = join(folder, 'image.png')
  writeFileSync(image, 'not looked at: all pixels come from the pack')
  const out = createWriteStream(join(folder, 'data', 'Data_Entry_2017.csv'))
  out.write(
    'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,' +
      'OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n',
  )
  const labels = ['Effusion', 'Atelectasis', 'Mass', 'Nodule', 'Pneumonia', 'Hernia']
  for (let row = 0; row < rows; row++) {
    const patient = Math.floor(row / 3)
    const name = `${String(patient + 1).padStart(8, '0')}_${String(row % 3).padStart(3, '0')}.png`
    // Half without a finding; of the others each label is half as frequent as the one before.
    const first = labels.findIndex((_, i) => row % 2 ** (i + 2) === 2 ** i)
    const finding = first < 0 ? 'No Finding' : row % 5 === 0 ? `${labels[first]}|Edema` : labels[first]
    const line = `${name},${finding},${row % 3},${patient + 1},${20 + (patient % 70)},${row % 2 ? 'M' : 'F'},PA,2500,2048,0.168,0.168,\n`
    if (!out.write(line)) await once(out, 'drain')
    symlinkSync(image, join(images, name))
  }
  out.end()
  await once(out, 'finish')
}

function run(part) {
  const result = spawnSync(
    process.execPath,
    ['--expose-gc', join(here, 'ours/scale.mjs'), JSON.stringify({ part, folder, size })],
    { encoding: 'utf8', cwd: dirname(here), stdio: ['ignore', 'pipe', 'inherit'] },
  )
  if (result.status !== 0) throw new Error(`${part} ended with ${result.status ?? result.signal}`)
  return JSON.parse(result.stdout.trim().split('\n').at(-1))
}

function save(part, { step, seconds, cpu_seconds, live_mb, rss_mb, peak_mb }, version) {
  const file = join(here, 'results', 'scale.csv')
  if (!existsSync(file)) {
    writeFileSync(
      file,
      'date,commit,cpu,cores,version,rows,part,step,seconds,cpu_seconds,live_mb,rss_mb,peak_mb,command\n',
    )
  }
  const row = [
    new Date().toISOString().slice(0, 10),
    execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim(),
    cpus()[0].model,
    cpus().length,
    version,
    rows,
    part,
    `"${step}"`,
    ...[seconds, cpu_seconds].map((value) => value.toFixed(2)),
    ...[live_mb, rss_mb, peak_mb].map((value) => value.toFixed(0)),
    `node bench/scale.mjs --rows ${rows} --save`,
  ]
  appendFileSync(file, `${row.join(',')}\n`)
}
