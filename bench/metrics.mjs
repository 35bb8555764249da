/**
 * What metrics with intervals cost: all metrics of the 25,596 images and 14 labels of NIH's official test list with
 * samples of patients, against the same work with scikit-learn, in alternation: ours, peer, ours, peer … The peer draws
 * a few samples only; its time is extrapolated in proportion. Processor time is compared, which other programs on the
 * machine disturb least. Both print the same figures on all images, checked to 1e-9.
 * Then how the time of one evaluation grows with the number of images.
 *
 *     node bench/metrics.mjs --rounds 3 --save     kept in results/metrics.csv
 *     node bench/metrics.mjs growth                growth alone
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bootstrap, evaluateMultilabel, readPredictionsNpz } from '../packages/plurad/dist/metrics/index.js'

const here = dirname(fileURLToPath(import.meta.url))
const python = process.env.PLURAD_BENCH_PYTHON ?? '/usr/bin/python3'
const data = resolve(dirname(here), process.env.PLURAD_DATA ?? '../shared/data')
const file = join(data, 'nih-official-test-logits', 'densenet121_seed0.npz')
const flags = process.argv.slice(2)
const number = (name, otherwise) =>
  flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : otherwise
const rounds = number('--rounds', 3)
const peerRepetitions = number('--peer-repetitions', 3)
const REPETITIONS = 2000
/** So that there are calls to judge: few probabilities reach 0.5. */
const THRESHOLD = 0.1

/** Processor seconds of this process so far. */
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function ours() {
  const start = cpuSeconds()
  const predictions = readPredictionsNpz(file)
  const thresholds = predictions.labels.map(() => THRESHOLD)
  const distribution = bootstrap(predictions, {
    repetitions: REPETITIONS,
    seed: 0,
    jackknife: false,
    thresholds,
  })
  const seconds = cpuSeconds() - start
  const figures = Object.fromEntries(
    distribution.figures.flatMap(({ of, metric }, i) =>
      of === 'labels' ? [] : [[`${of} ${metric}`, distribution.estimate[i]]],
    ),
  )
  return { seconds, figures }
}

function peer(what) {
  const args = JSON.stringify({ file, repetitions: peerRepetitions, threshold: THRESHOLD, what })
  const result = spawnSync(python, [join(here, 'metrics_sklearn.py'), args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (result.status !== 0) throw new Error(`metrics_sklearn.py ended with ${result.status ?? result.signal}`)
  const { seconds_each, figures, versions } = JSON.parse(result.stdout)
  return { seconds: seconds_each * REPETITIONS, figures, versions }
}

function compareFigures(a, b) {
  let worst = 0
  for (const [name, value] of Object.entries(b)) {
    const difference = Math.abs(a[name] - value)
    if (!(difference <= 1e-9)) throw new Error(`${name}: ours ${a[name]}, scikit-learn ${value}`)
    worst = Math.max(worst, difference)
  }
  return { count: Object.keys(b).length, worst }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const rows = []
const record = (row) => {
  rows.push(row)
  console.log(
    Object.entries(row)
      .map(([key, value]) => `${key} ${value}`)
      .join(', '),
  )
}

if (!flags.includes('growth')) {
  if (!existsSync(file)) throw new Error(`${file} is missing: set PLURAD_DATA to the folder that holds it`)
  const pairs = []
  let versions = ''
  for (let round = 1; round <= rounds; round++) {
    const mine = ours()
    const all = peer('all')
    const two = peer('auc-ap')
    const { count, worst } = compareFigures(mine.figures, all.figures)
    versions = all.versions
    pairs.push({ ours: mine.seconds, all: all.seconds, two: two.seconds })
    console.log(
      `round ${round}: ours ${mine.seconds.toFixed(2)} s; scikit-learn ${all.seconds.toFixed(0)} s, of which AUC and AP ` +
        `${two.seconds.toFixed(0)} s (from ${peerRepetitions} samples); ${count} figures equal to ${worst.toExponential(1)}`,
    )
  }
  for (const [name, key] of [
    ['all metrics', 'all'],
    ['all metrics against AUC and AP alone', 'two'],
  ]) {
    const ratios = pairs.map((pair) => pair[key] / pair.ours)
    record({
      case: `${REPETITIONS} samples, ${name}`,
      images: 25596,
      peer_version: versions,
      rounds,
      ours_cpu_seconds: median(pairs.map((pair) => pair.ours)).toFixed(2),
      peer_cpu_seconds: median(pairs.map((pair) => pair[key])).toFixed(0),
      peer_samples: peerRepetitions,
      ratio: median(ratios).toFixed(1),
      goal: key === 'all' ? '>= 50' : '',
      nanoseconds: '',
    })
  }
}

/** Scores all different: the worst case for anything that counts distinct scores. */
function drawn(images, labels) {
  const cells = images * labels
  return {
    labels: Array.from({ length: labels }, (_, c) => `label ${c}`),
    images: Array.from({ length: images }, (_, row) => String(row)),
    patients: Array(images).fill(null),
    scores: Float64Array.from({ length: cells }, () => Math.random()),
    truth: Float64Array.from({ length: cells }, () => Number(Math.random() < 0.05)),
  }
}

for (const images of [10_000, 100_000, 1_000_000]) {
  const predictions = drawn(images, 14)
  const thresholds = predictions.labels.map(() => 0.5)
  const times = Array.from({ length: images > 500_000 ? 1 : 3 }, () => {
    const start = cpuSeconds()
    evaluateMultilabel(predictions, thresholds)
    return cpuSeconds() - start
  })
  const seconds = median(times)
  record({
    case: 'one evaluation, 14 labels, distinct scores',
    images,
    peer_version: '',
    rounds: times.length,
    ours_cpu_seconds: seconds.toFixed(3),
    peer_cpu_seconds: '',
    peer_samples: '',
    ratio: '',
    goal: '',
    // A score and doubling of the images: level where time grows as n log n, falling where it grows as n.
    nanoseconds: ((seconds * 1e9) / (14 * images * Math.log2(images))).toFixed(1),
  })
}

if (flags.includes('--save')) {
  const results = join(here, 'results', 'metrics.csv')
  const about = {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    node: process.version,
  }
  const command = `node bench/metrics.mjs ${flags.join(' ')}`
  if (!existsSync(results)) {
    writeFileSync(results, `${[...Object.keys(about), ...Object.keys(rows[0]), 'command'].join(',')}\n`)
  }
  const text = (value) =>
    /[",]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)
  for (const row of rows) {
    appendFileSync(
      results,
      `${[...Object.values(about), ...Object.values(row), command].map(text).join(',')}\n`,
    )
  }
}
