/**
 * With few labels: does SimCLR on all training images help against training from scratch on the labelled ones? Both end in the
 * same supervised training on the same labelled images of the same split; seeds differ in weights, order and augmentation.
 * The test split is compared by the paired bootstrap over patients (plurad compare), seeds averaged.
 *
 *     npm run build
 *     node bench/few-shot.mjs DATA --out FOLDER                     3 seeds, 500 labels; go on with the same line
 *     node bench/few-shot.mjs DATA --out FOLDER --estimate          one epoch of each, and how long the whole will take
 *     node bench/few-shot.mjs DATA --out FOLDER --save              also into results/few-shot.csv
 *
 *     --labels 500  --seeds 3  --simclr-epochs 60  --epochs 40  --batch 64  --colour (fundus)  --set key=value …
 *
 * Runs that are finished are not done again, one that was stopped goes on where it was.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const main = join(here, '../packages/plurad/dist/cli/main.js')
const number = (value) => ({ type: 'string', default: String(value) })
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    labels: number(500),
    seeds: number(3),
    'simclr-epochs': number(60),
    epochs: number(40),
    batch: number(64),
    colour: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
    estimate: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
})
const [data] = positionals
if (data === undefined || values.out === undefined) {
  console.error(
    'few-shot: a data set and --out are needed, such as: node bench/few-shot.mjs DATA --out FOLDER',
  )
  process.exit(2)
}
const [labels, seeds] = [Number(values.labels), Number(values.seeds)]
const name = basename(resolve(data))
const folder = join(resolve(values.out), `${name}-${labels}`)
mkdirSync(folder, { recursive: true })

/** The same in both arms, but for what comes before it. */
const supervised = { name: 'supervised' }
const probe = {
  name: 'supervised',
  recipe: {
    model: { freeze: 'backbone' },
    training: { epochs: 20, optimizer: { learning_rate: 1e-3 }, early_stopping: null },
  },
}
const simclr = (epochs) => ({
  name: 'simclr',
  temperature: 0.2,
  recipe: {
    augmentation: values.colour ? 'simclr_fundus' : 'simclr_radiograph',
    training: {
      epochs,
      batch_size: Number(values.batch),
      early_stopping: null,
      optimizer: { name: 'adamw', learning_rate: 1e-3, weight_decay: 1e-4 },
      schedule: { name: 'cosine', warmup_epochs: Math.min(5, epochs / 10) },
    },
  },
})
const armsOf = (simclrEpochs) => ({
  scratch: [supervised],
  simclr: [simclr(simclrEpochs), probe, supervised],
})

function recipe(stages, seed, epochs) {
  return {
    name: 'few-shot',
    data: { size: 64, channels: values.colour ? 3 : 1, labelled: labels },
    model: { backbone: 'resnet18', head: 'linear' },
    augmentation: values.colour ? 'fundus' : 'radiograph',
    training: {
      epochs,
      batch_size: 16,
      optimizer: { name: 'adam', learning_rate: 3e-4 },
      schedule: { name: 'plateau', patience: 4 },
      early_stopping: 12,
      seed,
    },
    stages,
  }
}

/** Trains, or goes on; gives what came of it. */
function train(out, stages, seed, epochs) {
  if (!existsSync(join(out, 'metrics.json'))) {
    const file = `${out}.yaml`
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(recipe(stages, seed, epochs)))
    const begun = existsSync(join(out, 'recipe.yaml'))
    const start = [file, '--data', data, ...values.set.flatMap((change) => ['--set', change])]
    const args = ['train', ...(begun ? ['--resume'] : start), '--out', out, '--json']
    const run = spawnSync(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    if (run.status === 130) process.exit(130)
    if (run.status !== 0) throw new Error(`plurad ${args.join(' ')} ended with ${run.status ?? run.signal}`)
  }
  const { test } = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'))
  const { seconds, engine, threads, precision } = JSON.parse(
    readFileSync(join(out, 'environment.json'), 'utf8'),
  )
  const rows = readFileSync(join(out, 'history.jsonl'), 'utf8').trim().split('\n')
  return { test, seconds, engine, threads, precision, history: rows.map((row) => JSON.parse(row)) }
}

/** What tells one experiment from another in the results. */
const settings = [
  `--labels ${labels}`,
  `--simclr-epochs ${values['simclr-epochs']}`,
  `--epochs ${values.epochs}`,
  `--batch ${values.batch}`,
]
  .concat(values.set.map((change) => `--set ${change.replaceAll(/[",]/g, ';')}`))
  .join(' ')

const noted = join(folder, 'settings.txt')
if (existsSync(noted) && readFileSync(noted, 'utf8') !== settings) {
  console.error(`few-shot: ${folder} holds runs with ${readFileSync(noted, 'utf8')}; choose another --out`)
  process.exit(2)
}
if (!values.estimate) writeFileSync(noted, settings)

const minutes = (seconds) => `${(seconds / 60).toFixed(seconds < 600 ? 1 : 0)} min`
const auc = (value) => value?.toFixed(4) ?? '-'

if (values.estimate) estimate()
else run()

/** One epoch of each kind, in a folder that is thrown away. */
function estimate() {
  const out = join(folder, 'estimate')
  rmSync(out, { recursive: true, force: true })
  const once = (stage) => ({
    ...stage,
    recipe: { ...stage.recipe, training: { ...stage.recipe?.training, epochs: 1 } },
  })
  const { history } = train(out, [once(simclr(10)), once(probe), once(supervised)], 0, 1)
  rmSync(out, { recursive: true, force: true })
  const [contrastive, linear, full] = history.map((row) => row.seconds)
  const simclrSeconds = contrastive * Number(values['simclr-epochs'])
  const fullSeconds = full * Number(values.epochs)
  const each = { simclr: simclrSeconds + linear * 20 + fullSeconds, scratch: fullSeconds }
  console.log(
    `seconds an epoch: simclr ${contrastive.toFixed(1)}, probe ${linear.toFixed(1)}, supervised ${full.toFixed(1)}\n` +
      `a seed takes at most ${minutes(each.simclr)} with simclr and ${minutes(each.scratch)} from scratch; ${seeds} seeds ` +
      `${((seeds * (each.simclr + each.scratch)) / 3600).toFixed(1)} hours (less where supervised training stops early)`,
  )
}

function run() {
  const arms = armsOf(Number(values['simclr-epochs']))
  const spent = { scratch: [], simclr: [] }
  for (let seed = 0; seed < seeds; seed++) {
    for (const [arm, stages] of Object.entries(arms)) {
      const out = join(folder, `${arm}-${seed}`)
      const outcome = train(out, stages, seed, Number(values.epochs))
      spent[arm].push(outcome.seconds)
      const { auc: macroAuc, average_precision: macroAp } = outcome.test.macro
      console.log(
        `seed ${seed} ${arm.padEnd(8)} macro AUC ${auc(macroAuc)}  AP ${auc(macroAp)}  ${minutes(outcome.seconds)}`,
      )
      if (values.save) save(arm, seed, outcome)
    }
    const left = seeds - seed - 1
    const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length
    if (left > 0) console.log(`about ${minutes(left * (mean(spent.scratch) + mean(spent.simclr)))} left`)
  }
  const runs = (arm) => Array.from({ length: seeds }, (_, seed) => join(folder, `${arm}-${seed}`)).join(',')
  const compare = (...flags) =>
    spawnSync(process.execPath, [main, 'compare', runs('scratch'), runs('simclr'), ...flags], {
      encoding: 'utf8',
    })
  const shown = compare()
  console.log(`\n${shown.stdout}`)
  if (shown.status !== 0) throw new Error(`plurad compare failed: ${shown.stderr}`)
  if (values.save) saveComparison(JSON.parse(compare('--json').stdout))
}

/** Appends a row unless one with the same key is there. */
function append(file, header, key, rest) {
  const path = join(here, 'results', file)
  if (!existsSync(path)) writeFileSync(path, `${header}\n`)
  if (readFileSync(path, 'utf8').includes(`${key},`)) return
  appendFileSync(path, `${key},${rest}\n`)
}

function save(arm, seed, { test, seconds, engine, threads, precision, history }) {
  append(
    'few-shot.csv',
    'data,settings,arm,seed,macro_auc,macro_average_precision,epochs,seconds,precision,cpu,threads,engine,date',
    [name, settings, arm, seed].join(','),
    [
      ...[test.macro.auc, test.macro.average_precision, history.length, seconds, precision, cpus()[0].model],
      ...[threads, engine, new Date().toISOString().slice(0, 10)],
    ].join(','),
  )
}

function saveComparison({ results, repetitions, level }) {
  for (const {
    metric,
    method,
    value,
    interval,
    difference,
    difference_interval: between,
    p,
    p_seeds,
  } of results) {
    const arm = method.includes('simclr') ? 'simclr' : 'scratch'
    append(
      'few-shot-difference.csv',
      'data,settings,seeds,metric,arm,value,low,high,difference,difference_low,difference_high,p,p_seeds,level,samples',
      [name, settings, seeds, metric, arm].join(','),
      [
        value,
        ...(interval ?? ['', '']),
        difference,
        ...(between ?? ['', '']),
        p,
        p_seeds,
        level,
        repetitions,
      ].join(','),
    )
  }
}
