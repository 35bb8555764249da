/**
 * Every backbone has to be able to learn 32 real radiographs by heart: the loss falls below 5 % of its start. One that
 * cannot has a broken gradient somewhere, whatever its parity tests say.
 *
 *     node bench/overfit.mjs [names …] [--save]
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromTypedArray, manualSeed, optim, scope } from '@plurad/torch'
import { loss, model, version } from './ours/common.mjs'

const IMAGES = 32
const GOAL = 0.05
/**
 * Tried in turn: deep networks without short cuts need a lower rate; transformers and recurrent ones more time, and a
 * rate that rises over the first steps.
 */
const ATTEMPTS = [
  { lr: 1e-3, most: 60 },
  { lr: 1e-4, most: 60 },
  { lr: 3e-4, warmUp: 20, most: 500 },
  { lr: 1e-3, warmUp: 20, most: 500 },
]
/** What needs the slow attempts anyhow does not take the quick ones. */
const SLOW = /^(vit|swin|guita_lstm)/

const { backbones } = await import('../packages/plurad/dist/models/registry.js')
const { openDataset, decodeImage, preprocess, preprocessingWith } =
  await import('../packages/plurad/dist/data/index.js')
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const names = wanted.length > 0 ? wanted : Object.keys(backbones)
const folder = join(process.env.PLURAD_DATA ?? '../shared/data', 'nih1000-64px')
const dataset = await openDataset(folder)
// With a finding, so that there is something to tell apart.
const samples = dataset.samples.filter((sample) => sample.labels.includes(1)).slice(0, IMAGES)
const targets = fromTypedArray(Float32Array.from(samples.flatMap((sample) => sample.labels)), [
  IMAGES,
  dataset.labels.length,
])
const bce = await loss()

/** [N, 1, size, size], or for volumes the image repeated along the depth. */
async function pixelsOf(size, dims) {
  const images = await Promise.all(
    samples.map(async ({ path }) => preprocess(await decodeImage(path), preprocessingWith({ size }))),
  )
  const flat = Float32Array.from(
    images.flatMap((image) => [...image]),
    (value) => (value - 0.5) / 0.25,
  )
  const pixels = fromTypedArray(flat, [IMAGES, 1, size, size])
  return dims === 2 ? pixels : pixels.unsqueeze(2).expand(-1, -1, size, -1, -1).contiguous()
}

const file = join(dirname(fileURLToPath(import.meta.url)), 'results', 'overfit.csv')
if (process.argv.includes('--save') && !existsSync(file))
  writeFileSync(
    file,
    'date,backbone,size,parameters,learning_rate,steps,start_loss,end_loss,share,seconds,reached,version\n',
  )
let failed = 0
for (const name of names) {
  const { dims, smallest, multiple } = backbones[name]
  const size = dims === 3 ? 32 : Math.max(64, Math.ceil(smallest / multiple) * multiple)
  const began = performance.now()
  let result
  for (const attempt of ATTEMPTS.filter(({ warmUp }) => warmUp || !SLOW.test(name))) {
    result = await overfit(name, { size, dims, ...attempt })
    if (result.end < GOAL * result.start) break
  }
  const seconds = (performance.now() - began) / 1000
  const share = result.end / result.start
  if (share >= GOAL) failed++
  console.log(
    `${name.padEnd(22)} ${String(size).padStart(3)} px  ${result.start.toFixed(3)} -> ${result.end.toFixed(4)} ` +
      `(${(share * 100).toFixed(1)} %) in ${result.steps} steps, ${seconds.toFixed(0)} s${share < GOAL ? '' : '  NOT REACHED'}`,
  )
  if (process.argv.includes('--save')) {
    const row = [
      new Date().toISOString().slice(0, 10),
      name,
      size,
      result.parameters,
      result.lr,
      result.steps,
      result.start.toFixed(4),
      result.end.toFixed(5),
      share.toFixed(4),
      seconds.toFixed(0),
      share < GOAL ? 'yes' : 'no',
      version,
    ]
    appendFileSync(file, `${row.join(',')}\n`)
  }
}
process.exitCode = failed > 0 ? 1 : 0

async function overfit(name, { size, dims, lr, warmUp = 1, most }) {
  manualSeed(0)
  const x = await pixelsOf(size, dims)
  const network = (await model(name, { size, head: 'published' })).train()
  // Without what is random by design: dropping branches would keep the loss up.
  for (const [, part] of network.namedModules()) if ('p' in part) part.p = 0
  const optimizer = new optim.Adam(network.parameters(), { lr })
  let start = NaN
  let end = NaN
  let steps = 0
  for (; steps < most && !(end < GOAL * start) && !(end > 20 * start); steps++) {
    optimizer.setLearningRate(lr * Math.min(1, (steps + 1) / warmUp))
    optimizer.zeroGrad()
    const value = scope(() => bce(network.forward(x), targets))
    value.backward()
    optimizer.step()
    end = value.item()
    if (steps === 0) start = end
    value.dispose()
  }
  const parameters = network.countParameters()
  for (const tensor of network.stateDict().values()) tensor.dispose()
  return { start, end, steps, parameters, lr }
}
