import { autocast, fromTypedArray, optim, scope } from '@plurad/torch'
import { args, densenet, fullSizeImages, labels, loss, print } from './common.mjs'

const { ImageLoader, preprocessingWith } = await import('../../packages/plurad/dist/data/index.js')
const { pixelsToTensor } = await import('../../packages/plurad/dist/training/batches.js')
const { choosePrecision } = await import('../../packages/plurad/dist/training/precision.js')

const { repeats, batch, size } = args
const bce = await loss()
const { dtype, channelsLast } = choosePrecision(args.precision, 'cpu')
const files = fullSizeImages()
const order = files.map((_, i) => i)
const model = (await densenet(size)).train()
if (channelsLast) model.to({ memoryFormat: 'channels_last' })
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4 })
// Repeats one after the other: images asked for twice at the same time would be decoded once.
async function epoch(of) {
  // Made here, as the peer's DataLoader is: its start counts. No cache: every image is decoded every time.
  const loader = new ImageLoader({
    ...preprocessingWith({ size }),
    workers: 1,
    cacheBytes: 0,
    strict: true,
  })
  for await (const loaded of loader.batches(files, of, batch, { reuse: true })) {
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
  await loader.close()
}
await epoch(order.slice(0, 32))
const start = performance.now()
for (let i = 0; i < repeats; i++) await epoch(order)
print((performance.now() - start) / 1000 / repeats)
