import { autocast, fromTypedArray, optim, scope } from '@plurad/torch'
import { args, densenet, fullSizeImages, labels, loss, print } from './common.mjs'

const { ImageLoader } = await import('../../packages/plurad/dist/data/index.js')
const { pixelsToTensor } = await import('../../packages/plurad/dist/training/batches.js')
const { choosePrecision } = await import('../../packages/plurad/dist/training/precision.js')

const { repeats, batch, size } = args
const bce = await loss()
const { dtype, channelsLast } = choosePrecision('auto', 'cpu')
const files = fullSizeImages()
const order = Array.from({ length: files.length * repeats }, (_, i) => i % files.length)
const model = (await densenet()).train()
if (channelsLast) model.to({ memoryFormat: 'channels_last' })
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4 })
// No cache: every image is decoded every time it comes up, as in a first epoch.
const loader = new ImageLoader({ size, channels: 1, resize: 'crop', workers: 1, cacheBytes: 0, strict: true })

async function epoch(of) {
  for await (const loaded of loader.batches(files, of, batch)) {
    const n = loaded.indices.length
    const targets = new Float32Array(n * labels.length)
    const value = scope(() => {
      const x = pixelsToTensor(loaded, size, model.settings, { device: 'cpu', channelsLast })
      const logits = dtype === 'float32' ? model.forward(x) : autocast({ dtype }, () => model.forward(x))
      return bce(logits.float(), fromTypedArray(targets, [n, labels.length]))
    })
    value.backward()
    optimizer.step()
    optimizer.zeroGrad()
    value.item()
    value.dispose()
    await new Promise(setImmediate)
  }
}
await epoch(order.slice(0, 32))
const start = performance.now()
await epoch(order)
const seconds = (performance.now() - start) / 1000
await loader.close()
print(seconds)
