/**
 * What opening a label table costs, against pandas, in alternation: ours, peer, ours, peer … The ratio is taken pair by
 * pair. Ours makes a whole data set (patients, ages, duplicates refused, fingerprint); the peer reads the table and
 * one-hot encodes its labels (of CheXpert also the patients). Both run in a process of their own, and the time is that of the work, without starting and
 * importing. Both have to count the same positives.
 *
 *     node bench/index.mjs --rounds 9 --save     kept in results/index.csv
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHEXPERT_LABELS } from '../packages/plurad/dist/data/sets/chexpert.js'
import { NIH_LABELS } from '../packages/plurad/dist/data/sets/nih.js'

const data = join(process.env.PLURAD_DATA ?? '../shared/data', 'labels')
const cases = {
  nih: {
    about: 'NIH ChestX-ray14, 112,120 rows',
    table: join(data, 'Data_Entry_2017_v2020.csv.gz'),
    labels: NIH_LABELS,
    settings: { split: 'none' },
    goal: 'ratio <= 1, peak <= 250 MB',
  },
  chexpert: {
    about: 'CheXpert, 223,414 rows, U-Zeros',
    table: join(data, 'chexpert_train.csv.gz'),
    labels: CHEXPERT_LABELS,
    settings: { policy: 'u-zeros' },
    goal: '',
  },
}

const here = dirname(fileURLToPath(import.meta.url))
const python = process.env.PLURAD_BENCH_PYTHON ?? '/usr/bin/python3'
const flags = process.argv.slice(2)
const rounds = flags.includes('--rounds') ? Number(flags[flags.indexOf('--rounds') + 1]) : 5

function run(command, program, args) {
  const result = spawnSync(command, [join(here, program), JSON.stringify(args)], {
    encoding: 'utf8',
    cwd: dirname(here),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (result.status !== 0) throw new Error(`${program} ended with ${result.status ?? result.signal}`)
  return JSON.parse(result.stdout.trim().split('\n').at(-1))
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

for (const [name, { about, table, labels, settings, goal }] of Object.entries(cases)) {
  if (!existsSync(join(dirname(here), table)) && !existsSync(table)) {
    throw new Error(`${table} is missing: set PLURAD_DATA to the folder that holds labels/`)
  }
  console.log(`\n${name}: ${about}`)
  const pairs = []
  for (let round = 1; round <= rounds; round++) {
    const ours = run(process.execPath, 'ours/index.mjs', { table, settings })
    const peer = run(python, 'peer/index.py', { table, labels, layout: name })
    for (const key of ['rows', 'positives']) {
      if (JSON.stringify(ours[key]) !== JSON.stringify(peer[key]))
        throw new Error(`different ${key}: ${ours[key]} and ${peer[key]}`)
    }
    pairs.push({ ours, peer })
    console.log(
      `  ${round}  ours ${line(ours)}  peer ${line(peer)}  ratio ${(ours.seconds / peer.seconds).toFixed(3)}` +
        `, CPU ${(ours.cpuSeconds / peer.cpuSeconds).toFixed(3)}`,
    )
  }
  const ratios = (key) => pairs.map(({ ours, peer }) => ours[key] / peer[key])
  console.log(
    `  median ratio ${median(ratios('seconds')).toFixed(3)} ` +
      `(${Math.min(...ratios('seconds')).toFixed(3)} to ${Math.max(...ratios('seconds')).toFixed(3)}), ` +
      `CPU ${median(ratios('cpuSeconds')).toFixed(3)}${goal ? `, goal ${goal}` : ''}`,
  )
  if (flags.includes('--save')) save(name, pairs, ratios, goal)
}

function line({ seconds, cpuSeconds, peakMb }) {
  return `${(seconds * 1e3).toFixed(0)} ms (CPU ${(cpuSeconds * 1e3).toFixed(0)}), ${peakMb.toFixed(0)} MB`
}

function save(name, pairs, ratios, goal) {
  const file = join(here, 'results', 'index.csv')
  if (!existsSync(file)) {
    writeFileSync(
      file,
      'date,commit,cpu,cores,case,ours_version,peer_version,rounds,ours_seconds,peer_seconds,ratio,ratio_low,ratio_high,' +
        'cpu_ratio,ours_peak_mb,peer_peak_mb,goal,command\n',
    )
  }
  const of = (who, key) => median(pairs.map((pair) => pair[who][key]))
  const seconds = ratios('seconds')
  const row = [
    new Date().toISOString().slice(0, 10),
    execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim(),
    cpus()[0].model,
    cpus().length,
    name,
    pairs[0].ours.version,
    pairs[0].peer.version,
    rounds,
    of('ours', 'seconds').toPrecision(4),
    of('peer', 'seconds').toPrecision(4),
    median(seconds).toFixed(3),
    Math.min(...seconds).toFixed(3),
    Math.max(...seconds).toFixed(3),
    median(ratios('cpuSeconds')).toFixed(3),
    Math.max(...pairs.map((pair) => pair.ours.peakMb)).toFixed(0),
    Math.max(...pairs.map((pair) => pair.peer.peakMb)).toFixed(0),
    goal.includes(',') ? `"${goal}"` : goal,
    `node bench/index.mjs --rounds ${rounds} --save`,
  ]
  appendFileSync(file, `${row.join(',')}\n`)
}
