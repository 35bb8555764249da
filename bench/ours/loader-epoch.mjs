/** Training epochs whose images come from a pack, or lie in memory as tensors: what the loader costs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fromTypedArray, optim, scope } from '@plurad/torch'
import { args, densenet, labels, loss, version } from './common.mjs'
import { filesOf, sampleOf } from './images.mjs'

const { ImageLoader, packDataset, preprocessingWith } =
  await import('../../packages/plurad/dist/data/index.js')
const { pixelsToTensor } = await import('../../packages/plurad/dist/training/batches.js')

const { set, size, batch, images, epochs, workers } = args
const bce = await loss()
const files = filesOf(set).slice(0, images)
const order = [...files.keys()]
const root = dirname(dirname(files[0]))
const preprocessing = preprocessingWith({ size })
const scratch = mkdtempSync(join(tmpdir(), 'plurad-bench-'))
process.on('exit', () => rmSync(scratch, { recursive: true }))
const place = { device: 'cpu', channelsLast: false }

await packDataset(
  { name: set, fingerprint: 'bench', samples: files.map(sampleOf) },
  { out: scratch, preprocessing, root },
)
const loader = new ImageLoader({
  ...preprocessing,
  ...{ workers, cacheBytes: 0, strict: true, pack: { folder: scratch, root } },
})
const model = (await densenet(size)).train()
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4 })

function step(x) {
  const targets = fromTypedArray(new Float32Array(x.shape[0] * labels.length), [x.shape[0], labels.length])
  const value = scope(() => bce(model.forward(x), targets))
  value.backward()
  optimizer.step()
  optimizer.zeroGrad()
  value.item()
  value.dispose()
  targets.dispose()
}

const inMemory = []
for await (const loaded of loader.batches(files, order, batch)) {
  inMemory.push(pixelsToTensor(loaded, size, model.settings, place))
}

async function fromMemory() {
  for (const x of inMemory) {
    step(x)
    await new Promise(setImmediate)
  }
}

async function fromPack() {
  for await (const loaded of loader.batches(files, order, batch, { reuse: true })) {
    const x = pixelsToTensor(loaded, size, model.settings, place)
    step(x)
    x.dispose()
    await new Promise(setImmediate)
  }
}

async function seconds(epoch) {
  const start = performance.now()
  await epoch()
  return (performance.now() - start) / 1000
}

await fromMemory()
await fromPack()
// Turn about, and the first one in turn too, so that a machine whose speed drifts hurts both alike.
const times = []
for (let i = 0; i < epochs; i++) {
  const first = await seconds(i % 2 === 0 ? fromPack : fromMemory)
  const second = await seconds(i % 2 === 0 ? fromMemory : fromPack)
  times.push(i % 2 === 0 ? [first, second] : [second, first])
}
await loader.close()
console.log(JSON.stringify({ times, version }))
