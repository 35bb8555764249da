/**
 * What a prediction costs with an exported model in ONNX Runtime, against PyTorch's eager mode, in alternation: ours, peer,
 * ours, peer … DenseNet-121 of 14 labels at 224, float32 (int8-*: 8 bits against float32), all cores. Seconds on the clock: run it on a quiet machine.
 *
 *     node bench/predict.mjs                           what there is
 *     node bench/predict.mjs all --rounds 5 --save     all of it, kept in results/predict.csv
 */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alternate, median, runProgram } from './alternate.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'plurad-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const pair = (task, more = {}) =>
  ['ours/predict.mjs', 'peer/predict.py'].map((program) => [program, { task, folder, size: 224, ...more }])

/** The same network twice: the peer is our own export in single precision. */
const precisions = (batch, runs) =>
  ['int8.onnx', 'model.onnx'].map((file) => [
    'ours/predict.mjs',
    { task: 'forward', folder, file, size: 224, batch, runs },
  ])

const cases = {
  'forward-1': { about: 'one image through the network', programs: pair('forward', { batch: 1, runs: 20 }) },
  'forward-16': { about: '16 images through the network', programs: pair('forward', { batch: 16, runs: 4 }) },
  files: {
    about: '50 PNG files of 1024 pixels to probabilities, against DataLoader (2 workers) and torchvision',
    programs: pair('files', { batch: 16 }),
  },
  dicom: {
    about: '24 chest DICOM files to probabilities, against pydicom in a DataLoader (2 workers)',
    programs: pair('dicom', { batch: 4, chest: 'chest' }),
  },
  'dicom-raw': {
    about: 'the same radiographs without compression',
    programs: pair('dicom', { batch: 4, chest: 'raw' }),
  },
  'int8-1': { about: 'one image in 8 bits, against single precision', programs: precisions(1, 20) },
  'int8-16': { about: '16 images in 8 bits, against single precision', programs: precisions(16, 4) },
  'dicom-again': {
    about: 'the 24 chest DICOM files once more, with threads and workers that have started before',
    programs: pair('again', { batch: 4, chest: 'chest' }),
  },
  cold: {
    about: 'one PNG file to printed findings, the start of the program included',
    programs: pair('program', { files: 'png', most: 1 }),
  },
  'files-program': {
    about: '50 PNG files to printed findings, the start of the program included',
    programs: pair('program', { files: 'png', batch: 16 }),
  },
  'dicom-program': {
    about: '24 chest DICOM files to printed findings, the start of the program included',
    programs: pair('program', { files: 'chest', batch: 4, chest: 'chest' }),
  },
  'dicom-raw-program': {
    about: 'the same radiographs without compression',
    programs: pair('program', { files: 'chest', batch: 4, chest: 'raw' }),
  },
}

/** Radiographs in JPEG 2000, in JPEG-LS and in JPEG, eight times each under other names, so that nobody decodes one for all. */
function copyChest() {
  const from = join(process.env.PLURAD_DATA ?? join(here, '../../shared/data'), 'dicom/chest')
  mkdirSync(join(folder, 'chest'))
  for (let copy = 0; copy < 8; copy++)
    for (const file of ['RG1_J2KI.dcm', 'RG1_JLSN.dcm', 'Fake_MONOHR1.dcm'])
      copyFileSync(join(from, file), join(folder, 'chest', `${copy}-${file}`))
}

const [name, ...flags] = process.argv.slice(2)
const rounds = flags.includes('--rounds') ? Number(flags[flags.indexOf('--rounds') + 1]) : 5
const chosen = name === 'all' ? Object.keys(cases) : [name]
if (name === undefined || chosen.some((one) => !(one in cases))) {
  for (const [key, { about }] of Object.entries(cases)) console.log(`${key.padEnd(12)} ${about}`)
  process.exit(name === undefined ? 0 : 2)
}

if (chosen.some((key) => key.startsWith('dicom'))) {
  copyChest()
  runProgram('peer/predict.py', { task: 'decompress', folder, chest: 'chest' })
}
runProgram('ours/predict-model.mjs', { folder })
if (chosen.some((key) => !key.startsWith('int8'))) runProgram('peer/predict.py', { task: 'model', folder })
for (const key of chosen) {
  const { about, programs } = cases[key]
  console.log(`\n${key}: ${about}`)
  const { results, versions } = alternate(programs, rounds)
  const ratios = results[0].map((seconds, i) => seconds / results[1][i])
  results[0].forEach((seconds, i) =>
    console.log(
      `  ${i + 1}  ours ${seconds.toFixed(4)} s  peer ${results[1][i].toFixed(4)} s  ratio ${ratios[i].toFixed(3)}`,
    ),
  )
  console.log(
    `  median ratio ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`,
  )
  if (flags.includes('--save')) save(key, results, ratios, versions)
}

function save(key, results, ratios, versions) {
  const file = join(here, 'results', 'predict.csv')
  if (!existsSync(file)) {
    writeFileSync(
      file,
      'date,commit,cpu,cores,case,ours_version,peer_version,rounds,ours_seconds,peer_seconds,ratio,ratio_low,ratio_high,command\n',
    )
  }
  const row = [
    new Date().toISOString().slice(0, 10),
    execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim(),
    cpus()[0].model,
    cpus().length,
    key,
    ...versions,
    rounds,
    ...results.map((seconds) => median(seconds).toPrecision(4)),
    ...[median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(3)),
    `node bench/predict.mjs ${key} --rounds ${rounds} --save`,
  ]
  appendFileSync(file, `${row.join(',')}\n`)
}
