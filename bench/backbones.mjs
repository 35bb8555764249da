/**
 * A training step of every architecture that torchvision has, against torchvision's, in alternation: like for like in
 * float32, and as plurad trains by default (bfloat16, channels_last) against PyTorch's default.
 *
 *     node bench/backbones.mjs [names …] [--rounds 3] [--batch 8] [--steps 3] [--save]
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alternate, median } from './alternate.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const flags = process.argv.slice(2)
const option = (name, value) => (flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : value)
const fixture = JSON.parse(
  readFileSync(join(here, '../packages/plurad/test/fixtures/models/torchvision.json'), 'utf8'),
)
const known = Object.keys(fixture.architectures)
const wanted = flags.filter((word) => known.includes(word))
const rounds = option('--rounds', 3)
const batch = option('--batch', 8)
const steps = option('--steps', 3)
const file = join(here, 'results', 'backbones.csv')

for (const architecture of wanted.length > 0 ? wanted : known) {
  const size = architecture === 'inception_v3' ? 299 : 224
  const common = { architecture, batch, size, steps, warmup: 1 }
  const ours = (args) => ['ours/backbone-step.mjs', { ...common, ...args }]
  const { results, versions } = alternate(
    [
      ours({ precision: 'float32', channelsLast: false }),
      ['peer/backbone_step.py', common],
      ours({ precision: 'bfloat16', channelsLast: true }),
    ],
    rounds,
  )
  const [plain, peer, fast] = results
  const ratios = (seconds) => seconds.map((value, round) => value / peer[round])
  const [like, quick] = [median(ratios(plain)), median(ratios(fast))]
  console.log(
    `${architecture.padEnd(20)} ours ${median(plain).toFixed(2)} s, torchvision ${median(peer).toFixed(2)} s: ` +
      `like for like ${like.toFixed(3)}, fast ${quick.toFixed(3)}`,
  )
  if (!flags.includes('--save')) continue
  if (!existsSync(file)) {
    writeFileSync(
      file,
      'date,commit,cpu,cores,ours_version,peer_version,backbone,size,batch,rounds,ours_seconds,peer_seconds,fast_seconds,ratio,ratio_low,ratio_high,fast_ratio,command\n',
    )
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim()
  const row = [
    new Date().toISOString().slice(0, 10),
    commit,
    cpus()[0].model,
    cpus().length,
    versions[0],
    versions[1],
    architecture,
    size,
    batch,
    rounds,
    ...[plain, peer, fast].map((seconds) => median(seconds).toPrecision(4)),
    like.toFixed(3),
    Math.min(...ratios(plain)).toFixed(3),
    Math.max(...ratios(plain)).toFixed(3),
    quick.toFixed(3),
    `node bench/backbones.mjs --rounds ${rounds} --batch ${batch} --steps ${steps} --save`,
  ]
  appendFileSync(file, `${row.join(',')}\n`)
}
