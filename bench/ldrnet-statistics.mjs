/**
 * What LDRNet's streamed statistics take in time and memory: 14 labels of 1,024 features of a tenth of ChestX-ray14's
 * 112,120 images, labels as rare as there, made-up features, in batches of 32. A tenth is measured and the whole worked out:
 * time grows with the images, memory does not, which the first and the second half of the pass show. Processor time is what other
 * programs on the machine disturb least.
 *
 *     npm run build && node bench/ldrnet-statistics.mjs             variances; --kind shrunk or full for covariances
 *     node bench/ldrnet-statistics.mjs --save                       kept in results/ldrnet-statistics.csv
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { engineInfo, Generator, randn, scope, setNumThreads } from '@plurad/torch'
import { Random } from '../packages/plurad/dist/data/random.js'
import { GaussianStatistics } from '../packages/plurad/dist/training/stages/ldrnet/gaussian-statistics.js'
import { LabelGaussians } from '../packages/plurad/dist/training/stages/ldrnet/virtual-features.js'

const here = dirname(fileURLToPath(import.meta.url))
const flags = process.argv.slice(2)
const value = (name, otherwise) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : otherwise)
const WHOLE = 112_120
/** Images with each finding. */
const POSITIVES = [11559, 2776, 13317, 19894, 5782, 6331, 1431, 5302, 4667, 2303, 2516, 1686, 3385, 227]
const kind = value('--kind', 'diagonal')
const images = Number(value('--images', Math.round(WHOLE / 10)))
const features = Number(value('--features', 1024))
const [labels, batchSize] = [POSITIVES.length, 32]

setNumThreads(availableParallelism())
const resident = () =>
  (Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024) / 1e6
const megabytes = (numbers, bytes) => (numbers * bytes) / 1e6

const random = new Random(1)
/** Of a few batches that come round again: making them is not what is measured. */
const turns = Array.from({ length: 8 }, (_, i) =>
  randn([batchSize, labels, features], { generator: new Generator(i) }),
)
const targets = () =>
  Float32Array.from({ length: batchSize * labels }, (_, at) =>
    random.chance(POSITIVES[at % labels] / WHOLE) ? 1 : 0,
  )

// The first batches bring the engine's threads and memory up.
const warm = new GaussianStatistics(labels, features, kind)
for (const batch of turns) warm.add(batch, targets())
warm.dispose()

const start = resident()
const statistics = new GaussianStatistics(labels, features, kind)
const batches = Math.ceil(images / batchSize)
const at = []
let seconds = 0
const { user, system } = process.cpuUsage()
for (let i = 0; i < batches; i++) {
  const labelled = targets()
  const from = performance.now()
  statistics.add(turns[i % turns.length], labelled)
  seconds += (performance.now() - from) / 1000
  if (i + 1 === Math.ceil(batches / 2) || i + 1 === batches) at.push(resident() - start)
}
const used = process.cpuUsage({ user, system })
const cpuSeconds = (used.user + used.system) / 1e6

const from = performance.now()
const gaussians = new LabelGaussians(statistics, 1e-3, 'cpu')
const factorSeconds = (performance.now() - from) / 1000
const count = 128
const drawn = performance.now()
for (let i = 0; i < 4; i++) scope(() => void gaussians.draw(new Float32Array(count * labels), i))
const drawMilliseconds = (performance.now() - drawn) / 4

const cells = 2 * labels * features * (kind === 'diagonal' ? 1 : features)
const moments = 2 * labels * features * (kind === 'shrunk' ? 2 : 1)
const held = megabytes(cells + moments, 8)
const scale = WHOLE / (batches * batchSize)
const row = {
  kind,
  images: batches * batchSize,
  labels,
  features,
  seconds: seconds.toFixed(2),
  cpu_seconds: cpuSeconds.toFixed(2),
  whole_seconds: (seconds * scale).toFixed(1),
  whole_cpu_seconds: (cpuSeconds * scale).toFixed(1),
  held_mb: held.toFixed(1),
  half_way_mb: at[0].toFixed(0),
  end_mb: at[1].toFixed(0),
  whole_features_mb: megabytes(WHOLE * labels * features, 4).toFixed(0),
  factor_seconds: factorSeconds.toFixed(2),
  draw_ms: drawMilliseconds.toFixed(0),
}
console.log(
  `${kind}: ${row.images} images x ${labels} labels x ${features} features in ${row.seconds} s, ${row.cpu_seconds} of processors ` +
    `(${((1000 * seconds) / batches).toFixed(1)} ms a batch of ${batchSize}); process grew by ${row.half_way_mb} MB half way, ` +
    `${row.end_mb} MB at the end\n` +
    `  whole: ${WHOLE} images take ${scale.toFixed(2)} times as long, ${row.whole_seconds} s (${row.whole_cpu_seconds} of processors) beside the network's own ` +
    `pass; ` +
    `memory is that of the numbers held, 2 x ${labels} x ${features}${kind === 'diagonal' ? '' : ` x ${features}`} + means = ` +
    `${row.held_mb} MB in float64. All features at once would be ${row.whole_features_mb} MB in float32.\n` +
    `  distributions made in ${row.factor_seconds} s, ${count} virtual images drawn in ${row.draw_ms} ms`,
)
if (flags.includes('--save')) save()

function save() {
  const file = join(here, 'results/ldrnet-statistics.csv')
  const head = ['date', 'commit', 'cpu', 'cores', 'version', ...Object.keys(row), 'command']
  if (!existsSync(file)) writeFileSync(file, `${head.join()}\n`)
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here, encoding: 'utf8' }).trim()
  const line = [
    new Date().toISOString().slice(0, 10),
    commit,
    cpus()[0].model.split(' ').slice(0, 2).join(' '),
    availableParallelism(),
    `plurad on libtorch ${engineInfo().version} and node ${process.versions.node}`,
    ...Object.values(row),
    `node bench/ldrnet-statistics.mjs ${flags.join(' ')}`,
  ]
  appendFileSync(file, `${line.join()}\n`)
}
