/**
 * The published methods under one protocol: the same network, size, schedule, splits and seeds. What is trained stays in its
 * folder, so that the work can be stopped and gone on with; the table is made of whatever is there.
 *
 *     node bench/methods.mjs --out FOLDER [--datasets a,b] [--methods a,b] [--seeds 3] [--minutes 60] [--jobs 2] [--save]
 *     node bench/methods.mjs --out FOLDER --table-only --save
 *     node bench/methods.mjs --markdown        results/methods.csv as the tables of docs/training.md
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { datasets, GROUPS, methods } from './methods/methods.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, '../packages/plurad/dist')
const data = resolve(process.env.PLURAD_DATA ?? join(here, '../../shared/data'))
const flags = process.argv.slice(2)
const option = (name, value) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : value)
if (flags.includes('--markdown')) {
  markdown()
  process.exit(0)
}
const out = option('--out')
if (out === undefined) {
  console.error('methods: --out <folder> is missing: where should the runs go?')
  process.exit(2)
}
const listed = (name, all) => option(name)?.split(/[ ,]/) ?? all
const wanted = {
  datasets: listed('--datasets', Object.keys(datasets)),
  methods: listed('--methods', Object.keys(methods)),
  seeds: Array.from({ length: Number(option('--seeds', 3)) }, (_, seed) => seed),
}
const until = performance.now() + Number(option('--minutes', Infinity)) * 60_000
const packs = {}
const folderOf = (dataset, method, seed) => join(out, dataset, `${method}-s${seed}`)

if (!flags.includes('--table-only')) await train()
await table()

/**
 * Seeds first, so that a table of all methods is there as early as can be. Several trainings at once, of one thread each: small
 * networks gain little from a second thread.
 */
async function train() {
  const waiting = wanted.seeds.flatMap((seed) =>
    wanted.datasets.flatMap((dataset) => wanted.methods.map((method) => ({ dataset, method, seed }))),
  )
  const done = new Map()
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (performance.now() > until) return
      const folder = folderOf(job.dataset, job.method, job.seed)
      const first = done.get(folderOf(job.dataset, methods[job.method].from, job.seed))
      done.set(folder, Promise.resolve(first).then(trainOne.bind(null, job)))
      await done.get(folder)
    }
  }
  await Promise.all(Array.from({ length: Number(option('--jobs', cpus().length)) }, worker))
  if (waiting.length > 0) console.log('The time is up; the same command goes on.')
}

async function trainOne({ dataset, method, seed }) {
  const folder = folderOf(dataset, method, seed)
  if (existsSync(join(folder, 'metrics.json'))) return
  mkdirSync(dirname(folder), { recursive: true })
  const { from, ...method_ } = methods[method]
  const { pack, ...dataset_ } = datasets[dataset]
  const { training, model, ...changes } = merged(dataset_, method_)
  const first =
    from === undefined ? {} : { weights: join(folderOf(dataset, from, seed), 'model.safetensors') }
  const sets = flat({
    ...changes,
    model: { ...model, ...first },
    training: { ...training, seed, threads: 1 },
  })
  const packed = pack ? ['--pack', await packOf(dataset)] : []
  const command = existsSync(join(folder, 'recipe.yaml'))
    ? ['train', '--resume', '--out', folder]
    : [
        'train',
        join(here, 'methods/base.yaml'),
        '--data',
        join(data, dataset),
        ...packed,
        '--out',
        folder,
        ...sets,
      ]
  const start = performance.now()
  const { status, stderr } = await plurad(command)
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  if (status === 0) console.log(`${dataset} ${method} seed ${seed}: ${seconds} s`)
  else console.error(`${dataset} ${method} seed ${seed} failed after ${seconds} s:\n${stderr.slice(-2000)}`)
}

/** Files that are larger than the training needs are decoded once. */
async function packOf(dataset) {
  const folder = join(out, `${dataset}-pack`)
  packs[dataset] ??= (async () => {
    mkdirSync(out, { recursive: true })
    const { set, channels } = datasets[dataset].data
    const { status, stderr } = await plurad([
      ...[
        'data',
        'pack',
        join(data, dataset),
        '--out',
        folder,
        '--size',
        '64',
        '--channels',
        String(channels),
      ],
      ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ])
    if (status !== 0) throw new Error(stderr)
  })()
  await packs[dataset]
  return folder
}

function plurad(words) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(dist, 'cli/main.js'), ...words])
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += chunk))
    child.stdout.resume()
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stderr }))
  })
}

function merged(a, b) {
  const result = { ...a }
  for (const [key, value] of Object.entries(b))
    result[key] =
      key in result && typeof value === 'object' && !Array.isArray(value) ? merged(result[key], value) : value
  return result
}

/** Two levels deep as `--set a.b=value`. */
function flat(changes) {
  return Object.entries(changes).flatMap(([key, value]) =>
    ['data', 'model', 'training'].includes(key)
      ? Object.entries(value).flatMap(([inner, v]) => ['--set', `${key}.${inner}=${JSON.stringify(v)}`])
      : ['--set', `${key}=${JSON.stringify(value)}`],
  )
}

async function table() {
  const { bootstrap, differenceOf, groupLabels, intervalOf, maxF1Thresholds, meanOf } = await import(
    join(dist, 'metrics/index.js')
  )
  const { readPredictions } = await import(join(dist, 'metrics/predictions.js'))
  const FIGURES = [
    ['macro', 'auc'],
    ['macro', 'average_precision'],
    ['macro', 'f1'],
    ['odir', 'score'],
    ['head', 'auc'],
    ['medium', 'auc'],
    ['tail', 'auc'],
    ['tail', 'average_precision'],
  ]
  const rows = []
  for (const dataset of wanted.datasets) {
    const known = {}
    for (const method of wanted.methods) {
      const folders = wanted.seeds
        .map((seed) => folderOf(dataset, method, seed))
        .filter((folder) => existsSync(join(folder, 'metrics.json')))
      if (folders.length === 0) continue
      const distributions = []
      for (const folder of folders) {
        const test = await readPredictions(join(folder, 'predictions/test.csv'))
        const val = await readPredictions(join(folder, 'predictions/val.csv'))
        const { counts, images } = trainingCounts(folder, test.labels)
        distributions.push(
          bootstrap(test, {
            ...{ repetitions: 1000, seed: 0, jackknife: false },
            thresholds: maxF1Thresholds(val),
            groups: groupLabels(counts, { head: GROUPS.head * images, tail: GROUPS.tail * images }),
          }),
        )
      }
      known[method] = { seeds: folders.length, mean: meanOf(distributions), distributions, folders }
    }
    for (const [method, { seeds, mean, distributions, folders }] of Object.entries(known)) {
      const base = known.bce
      const row = { dataset, method, seeds, seconds_an_epoch: secondsAnEpoch(folders) }
      for (const [of, metric] of FIGURES) {
        const index = mean.figures.findIndex((figure) => figure.of === of && figure.metric === metric)
        const name = `${of}_${metric}`
        if (index < 0 || Number.isNaN(mean.estimate[index])) continue
        const interval = intervalOf(mean, index, 'percentile', 0.95)
        row[name] = mean.estimate[index].toFixed(4)
        row[`${name}_low`] = interval?.[0].toFixed(4) ?? ''
        row[`${name}_high`] = interval?.[1].toFixed(4) ?? ''
        if (metric === 'auc' && of === 'macro') {
          row.seeds_low = Math.min(...distributions.map((one) => one.estimate[index])).toFixed(4)
          row.seeds_high = Math.max(...distributions.map((one) => one.estimate[index])).toFixed(4)
          if (base !== undefined && base.seeds === seeds && method !== 'bce') {
            const difference = differenceOf(mean, base.mean)
            const [low, high] = intervalOf(difference, index, 'percentile', 0.95) ?? [NaN, NaN]
            row.auc_minus_bce = difference.estimate[index].toFixed(4)
            row.auc_minus_bce_low = low.toFixed(4)
            row.auc_minus_bce_high = high.toFixed(4)
          }
        }
      }
      rows.push(row)
      console.log(
        `${dataset.padEnd(14)} ${method.padEnd(22)} ${seeds} seed(s)  AUC ${row.macro_auc} (${row.macro_auc_low}-${row.macro_auc_high})` +
          `  AP ${row.macro_average_precision}  F1 ${row.macro_f1}  tail AUC ${row.tail_auc ?? '-'}`,
      )
    }
  }
  if (flags.includes('--save')) save(rows)
}

/** Positive training images of each label, from the split and the predictions' own table. */
function trainingCounts(folder, labels) {
  const rows = readFileSync(join(folder, 'split.csv'), 'utf8').trim().split('\n')
  const columns = rows[0].split(',')
  const [split, ...at] = ['split', ...labels].map((name) => columns.indexOf(name))
  const train = rows
    .slice(1)
    .map((row) => row.split(','))
    .filter((row) => row[split] === 'train')
  return {
    images: train.length,
    counts: at.map((column) => train.filter((row) => row[column] === '1').length),
  }
}

/** The median over runs and epochs; of an ensemble the sum over its members, whose folders begin with their place. */
function secondsAnEpoch(folders) {
  const places = new Map()
  for (const folder of folders) {
    const members = join(folder, 'members')
    const runs = existsSync(members)
      ? readdirSync(members).map((name) => [name, join(members, name)])
      : [['', folder]]
    for (const [place, run] of runs) {
      const file = join(run, 'history.jsonl')
      if (!existsSync(file)) continue
      const rows = readFileSync(file, 'utf8').trim().split('\n')
      const seconds = rows.map((row) => JSON.parse(row).seconds)
      places.set(place, [...(places.get(place) ?? []), ...seconds])
    }
  }
  const medians = [...places.values()].map((all) => all.sort((a, b) => a - b)[all.length >> 1])
  return medians.length === 0 ? '' : medians.reduce((sum, one) => sum + one, 0).toFixed(1)
}

function save(rows) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim()
  const common = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    cpu: cpus()[0].model,
    cores: cpus().length,
    command: `node bench/methods.mjs --out FOLDER --datasets ${wanted.datasets.join(' ')} --seeds ${wanted.seeds.length} --save`,
  }
  const file = join(here, 'results/methods.csv')
  const [head = '', ...kept] = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const names = head.split(',')
  const before = kept
    .map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])))
    .filter((old) => !rows.some(({ dataset, method }) => old.dataset === dataset && old.method === method))
  const all = [...before, ...rows.map((row) => ({ ...common, ...row }))]
  const first = ['date', 'commit', 'cpu', 'cores']
  const columns = [...new Set([...first, ...all.flatMap(Object.keys)])].filter((name) => name !== 'command')
  const lines = all.map((row) => [...columns, 'command'].map((name) => row[name] ?? '').join(','))
  writeFileSync(file, `${[...columns, 'command'].join(',')}\n${lines.join('\n')}\n`)
}

function markdown() {
  const [head, ...lines] = readFileSync(join(here, 'results/methods.csv'), 'utf8').trim().split('\n')
  const names = head.split(',')
  const rows = lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])))
  const number = (text, digits = 3) => (text ? Number(text).toFixed(digits) : '-')
  const signed = (text) => (Number(text) < 0 ? '' : '+') + number(text)
  for (const dataset of new Set(rows.map((row) => row.dataset))) {
    console.log(
      `\n${dataset}\n\n| method | AUC | minus BCE | average precision | F1 | ODIR score | head, medium, tail AUC | seconds an epoch |`,
    )
    console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
    for (const row of rows.filter((each) => each.dataset === dataset)) {
      const range = (name) => `(${number(row[`${name}_low`])}-${number(row[`${name}_high`])})`
      const difference = row.auc_minus_bce
        ? `${signed(row.auc_minus_bce)} (${signed(row.auc_minus_bce_low)} to ${signed(row.auc_minus_bce_high)})`
        : '-'
      const groups = ['head', 'medium', 'tail'].map((of) => number(row[`${of}_auc`], 2)).join(', ')
      const cells = [
        row.method,
        `${number(row.macro_auc)} ${range('macro_auc')}`,
        difference,
        number(row.macro_average_precision),
        number(row.macro_f1),
        number(row.odir_score),
        groups,
        row.seconds_an_epoch || '-',
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
}
