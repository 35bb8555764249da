/**
 * How often 95 % intervals hold the true AUC and the true difference of two AUCs: data are drawn again and again from
 * distributions whose AUC is known, scores of one patient's images being alike where patients have several.
 *
 *     node bench/coverage.mjs --repetitions 2000 --save     kept in results/coverage.csv
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  countCases,
  delong,
  delongDifference,
  figureCases,
  keepLabels,
  labelMeans,
  patientClusters,
  rankLabel,
  setMeanCases,
} from '../packages/plurad/dist/metrics/index.js'
import { auc } from '../packages/plurad/dist/metrics/auc.js'
import { recount } from '../packages/plurad/dist/metrics/column.js'
import { intervalOf } from '../packages/plurad/dist/metrics/intervals/interval.js'
import { normalCdf } from '../packages/plurad/dist/metrics/intervals/normal.js'
import { Random } from '../packages/plurad/dist/data/random.js'

const here = dirname(fileURLToPath(import.meta.url))
const flags = process.argv.slice(2)
const number = (name, otherwise) =>
  flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : otherwise
const repetitions = number('--repetitions', 2000)
const samples = number('--samples', 1000)

/** `apart`: deviations between the classes. `alike`: share of the variance that a patient's images have in common. */
const designs = [
  { name: '150 images, AUC 0.76', patients: 150, images: 1, prevalence: 0.4, apart: 1, alike: 0 },
  {
    name: '200 images, AUC 0.86, 1 in 5 positive',
    patients: 200,
    images: 1,
    prevalence: 0.2,
    apart: 1.5,
    alike: 0,
  },
  {
    name: '120 patients with 3 images, AUC 0.76',
    patients: 120,
    images: 3,
    prevalence: 0.4,
    apart: 1,
    alike: 0.5,
  },
]

/** Two models' scores; the second is a little worse. The finding is the patient's. */
function draw({ patients, images, prevalence, apart, alike }, random) {
  const data = { truth: [], a: [], b: [], patients: [] }
  for (let patient = 0; patient < patients; patient++) {
    const present = Number(random.chance(prevalence))
    const common = [random.normal(), random.normal()]
    for (let image = 0; image < images; image++) {
      // What both models see of an image, so that their scores are correlated.
      const shared = random.normal()
      const score = (model, strength) =>
        strength * present +
        Math.sqrt(alike) * common[model] +
        Math.sqrt((1 - alike) / 2) * shared +
        Math.sqrt((1 - alike) / 2) * random.normal()
      data.truth.push(present)
      data.a.push(score(0, apart))
      data.b.push(score(1, 0.9 * apart))
      data.patients.push(String(patient))
    }
  }
  return data
}

/** The bootstrap of AUC a, AUC b and their difference, as the library does it for all metrics at once. */
function bootstrapAucs(rankings, clusters, seed) {
  const columns = rankings.map(({ column }) => ({
    ...column,
    truePositives: column.truePositives.slice(),
    falsePositives: column.falsePositives.slice(),
  }))
  const places = rankings.map(({ rows }) => rows.map((row) => clusters.of[row]))
  const at = (weights) => {
    const values = columns.map((column, m) => {
      recount(rankings[m], places[m], weights, column)
      return auc(column) ?? NaN
    })
    return Float64Array.of(values[0], values[0] - values[1])
  }
  const weights = new Float64Array(clusters.count).fill(1)
  const estimate = at(weights)
  const replicates = Array.from({ length: samples }, (_, sample) => {
    const random = new Random(seed, sample)
    weights.fill(0)
    for (let i = 0; i < clusters.count; i++) weights[random.integer(clusters.count)]++
    return at(weights)
  })
  const jackknife = Array.from({ length: clusters.count }, (_, left) => {
    weights.fill(1)
    weights[left] = 0
    return at(weights)
  })
  const cases = Float64Array.from(countCases(rankings, clusters), ({ fewer }) => fewer)
  return { figures: [], estimate, cases, replicates, jackknife }
}

const rows = []

/** Whether an interval holds the truth, and on which side it lies if not. */
function count(held, what, interval, value) {
  held[what] ??= { held: 0, low: 0, high: 0, width: 0 }
  const [low, high] = interval ?? [NaN, NaN]
  held[what].held += Number(low <= value && value <= high)
  held[what].low += Number(value < low)
  held[what].high += Number(value > high)
  held[what].width += high - low
}

function note(design, held) {
  for (const [what, result] of Object.entries(held)) {
    const row = {
      design,
      interval: what,
      repetitions,
      samples: what.endsWith('DeLong') ? '' : samples,
      coverage: (result.held / repetitions).toFixed(4),
      truth_below: (result.low / repetitions).toFixed(4),
      truth_above: (result.high / repetitions).toFixed(4),
      mean_width: (result.width / repetitions).toFixed(4),
    }
    rows.push(row)
    console.log(Object.values(row).join(', '))
  }
}

for (const design of designs) {
  const truth = [normalCdf(design.apart / Math.SQRT2), 0]
  truth[1] = truth[0] - normalCdf((0.9 * design.apart) / Math.SQRT2)
  const held = {}
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const data = draw(design, new Random(2024, repetition))
    const rankings = [rankLabel(data.a, data.truth), rankLabel(data.b, data.truth)]
    const clusters = patientClusters(data.patients)
    count(held, 'AUC, DeLong', delong(rankings[0], 0.95, clusters)?.interval, truth[0])
    count(held, 'difference, DeLong', delongDifference(...rankings, 0.95, clusters)?.interval, truth[1])
    const drawn = bootstrapAucs(rankings, clusters, repetition)
    for (const method of ['percentile', 'bca']) {
      count(held, `AUC, ${method}`, intervalOf(drawn, 0, method), truth[0])
      count(held, `difference, ${method}`, intervalOf(drawn, 1, method), truth[1])
    }
  }
  note(design.name, held)
}

/** The mean over labels of which some are rare: 6 labels on 300 images, AUC 0.66 to 0.90, 3 to 40 % positive. */
const labels = [0.4, 0.2, 0.1, 0.05, 0.04, 0.03].map((prevalence, c) => ({
  prevalence,
  apart: 1.8 - 0.24 * c,
}))

function drawLabels(random) {
  const truth = labels.map(({ prevalence }) =>
    Array.from({ length: 300 }, () => Number(random.chance(prevalence))),
  )
  const ranked = labels.map(({ apart }, c) =>
    rankLabel(
      truth[c].map((present) => random.normal(apart * present)),
      truth[c],
    ),
  )
  return ranked.every(({ column }) => column.positives > 0) ? ranked : drawLabels(random)
}

function bootstrapMean(rankings, seed) {
  const clusters = patientClusters(new Array(300).fill(null))
  const names = labels.map((_, c) => String(c))
  const figures = [
    ...names.map((label) => ({ of: 'labels', label, metric: 'auc' })),
    { of: 'macro', label: null, metric: 'auc' },
  ]
  const means = labelMeans(figures, names, null)
  const columns = rankings.map(({ column }) => ({
    ...column,
    truePositives: column.truePositives.slice(),
    falsePositives: column.falsePositives.slice(),
  }))
  const weights = new Float64Array(300).fill(1)
  const at = (whole) => {
    const values = Float64Array.from([
      ...rankings.map((ranked, c) => {
        recount(ranked, ranked.rows, weights, columns[c])
        return auc(columns[c]) ?? NaN
      }),
      NaN,
    ])
    keepLabels(values, whole ?? values, means)
    return values
  }
  const estimate = at(null)
  const replicates = Array.from({ length: samples }, (_, sample) => {
    const random = new Random(seed, sample)
    weights.fill(0)
    for (let i = 0; i < 300; i++) weights[random.integer(300)]++
    return at(estimate)
  })
  const jackknife = Array.from({ length: 300 }, (_, left) => {
    weights.fill(1)
    weights[left] = 0
    return at(estimate)
  })
  const cases = figureCases(figures, names, countCases(rankings, clusters), 300)
  setMeanCases(cases, means, replicates, 300)
  return { figures, estimate, cases, replicates, jackknife }
}

{
  const truth = labels.reduce((sum, { apart }) => sum + normalCdf(apart / Math.SQRT2), 0) / labels.length
  const held = {}
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const drawn = bootstrapMean(drawLabels(new Random(77, repetition)), repetition)
    for (const method of ['percentile', 'bca'])
      count(held, `mean AUC, ${method}`, intervalOf(drawn, labels.length, method), truth)
  }
  note('300 images, mean of 6 labels, 3 to 40 % positive', held)
}

if (flags.includes('--save')) {
  const file = join(here, 'results', 'coverage.csv')
  const date = new Date().toISOString().slice(0, 10)
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  if (!existsSync(file)) writeFileSync(file, `date,commit,${Object.keys(rows[0]).join(',')},command\n`)
  const quoted = (value) => (String(value).includes(',') ? `"${value}"` : value)
  for (const row of rows) {
    const cells = [date, commit, ...Object.values(row), `node bench/coverage.mjs ${flags.join(' ')}`]
    appendFileSync(file, `${cells.map(quoted).join(',')}\n`)
  }
}
