/**
 * What reading images costs, against PIL, torchvision and torch's DataLoader, in alternation: ours, peer, ours, peer …
 * The ratio is taken pair by pair, so that a machine whose speed drifts hurts both alike. Images are counted per second of
 * processor time of all threads and processes, which other programs on the machine disturb least.
 *
 *     node bench/loader.mjs                           what there is
 *     node bench/loader.mjs all --rounds 5 --save     all of it, kept in results/loader.csv
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const full = { set: 'nih50-1024px', size: 224, passes: 4 }
const small = { set: 'nih1000-64px', size: 64, passes: 4 }
const ours = (task, more) => ['ours/loader.mjs', { task, ...full, ...more }]
const peer = (task, more) => ['peer/loader.py', { task, ...full, ...more }]
// Short epochs, of which many are run: the machine's drift within a pair is what blurs the ratio.
const step = { set: 'nih1000-64px', size: 64, batch: 16, images: 160 }

/** `ratio` is ours over the peer's: images per CPU second, or of `epoch` the seconds. */
const cases = {
  'decode-pil': {
    about: '1024 x 1024 PNG to 224 floats, one thread, against PIL (bilinear, antialiased)',
    pair: [ours('decode'), peer('pil')],
    goal: '>= 1.2',
  },
  'decode-torchvision': {
    about: 'the same against torchvision transforms (Resize, CenterCrop, ToTensor)',
    pair: [ours('decode'), peer('torchvision')],
    goal: '>= 1.2',
  },
  loader: {
    about:
      'the whole loader with 2 threads, batches of 16, against DataLoader with 2 processes and torchvision',
    pair: [ours('files', { workers: 2 }), peer('dataloader', { workers: 2, batch: 16 })],
    goal: '>= 1.2',
  },
  packed: {
    about: 'the loader from a pack of 224 pixels against itself decoding 1024 x 1024 PNG',
    pair: [ours('packed', { copies: 8, passes: 30 }), ours('files')],
    goal: '>= 25',
  },
  'packed-2-threads': {
    about: 'the same with 2 threads',
    pair: [ours('packed', { copies: 8, passes: 30, workers: 2 }), ours('files', { workers: 2 })],
  },
  'packed-small': {
    about: 'the loader from a pack of 64 pixels against itself decoding 64 x 64 PNG',
    pair: [ours('packed', { ...small, passes: 60 }), ours('files', small)],
  },
  epoch: {
    about:
      'training DenseNet-121 at 64 pixels from a pack against the same steps on tensors in memory: seconds',
    epochs: ['ours/loader-epoch.mjs', { ...step, workers: 1 }],
    goal: '<= 1.03',
  },
}

const here = dirname(fileURLToPath(import.meta.url))
const python = process.env.PLURAD_BENCH_PYTHON ?? '/usr/bin/python3'

function run([program, args]) {
  const command = program.endsWith('.py') ? python : process.execPath
  const result = spawnSync(command, [join(here, program), JSON.stringify(args)], {
    encoding: 'utf8',
    cwd: dirname(here),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (result.status !== 0) throw new Error(`${program} ended with ${result.status ?? result.signal}`)
  return JSON.parse(result.stdout.trim().split('\n').at(-1))
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const [name, ...flags] = process.argv.slice(2)
const rounds = flags.includes('--rounds') ? Number(flags[flags.indexOf('--rounds') + 1]) : 5
const chosen = name === 'all' ? Object.keys(cases) : [name]
if (name === undefined || chosen.some((one) => !(one in cases))) {
  for (const [key, { about }] of Object.entries(cases)) console.log(`${key.padEnd(20)} ${about}`)
  process.exit(name === undefined ? 0 : 2)
}

for (const key of chosen) {
  const { about, goal } = cases[key]
  console.log(`\n${key}: ${about}`)
  const { pairs, versions } = measure(cases[key])
  const ratios = pairs.map(([a, b]) => a / b)
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)]
  console.log(
    `  median ratio ${median(ratios).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})${goal ? `, goal ${goal}` : ''}`,
  )
  if (flags.includes('--save')) save(key, { pairs, ratios, versions })
}

function measure({ pair, epochs }) {
  const say = (round, a, b, unit) =>
    console.log(`  ${round}  ours ${a.toFixed(2)}  peer ${b.toFixed(2)} ${unit}  ratio ${(a / b).toFixed(3)}`)
  if (epochs) {
    const { times, version } = run([epochs[0], { ...epochs[1], epochs: rounds }])
    times.forEach(([a, b], i) => say(i + 1, a, b, 's'))
    return { pairs: times, versions: [version, version] }
  }
  const pairs = []
  let versions = []
  for (let round = 1; round <= rounds; round++) {
    const [a, b] = pair.map(run)
    versions = [a.version, b.version]
    pairs.push([a.perCpuSecond, b.perCpuSecond])
    say(round, a.perCpuSecond, b.perCpuSecond, 'images per CPU second')
  }
  return { pairs, versions }
}

function save(key, { pairs, ratios, versions }) {
  const file = join(here, 'results', 'loader.csv')
  if (!existsSync(file)) {
    writeFileSync(
      file,
      'date,commit,cpu,cores,case,unit,ours_version,peer_version,rounds,ours,peer,ratio,ratio_low,ratio_high,goal,command\n',
    )
  }
  const { goal = '', epochs } = cases[key]
  const row = [
    new Date().toISOString().slice(0, 10),
    execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim(),
    cpus()[0].model,
    cpus().length,
    key,
    epochs ? 'seconds an epoch' : 'images per CPU second',
    ...versions,
    rounds,
    ...[0, 1].map((side) => median(pairs.map((pair) => pair[side])).toPrecision(4)),
    ...[median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(3)),
    goal,
    `node bench/loader.mjs ${key} --rounds ${rounds} --save`,
  ]
  appendFileSync(file, `${row.join(',')}\n`)
}
