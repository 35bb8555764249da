/** One part of `scale.mjs`, in a process of its own: what it takes is measured from here on. */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const { ImageLoader, openDataset, preprocessingWith, readSplit, splitDataset, writeSplit } =
  await import('../../packages/plurad/dist/data/index.js')
const { Random } = await import('../../packages/plurad/dist/data/random.js')
const { makeHeader } = await import('../../packages/plurad/dist/data/pack/format.js')
const { PackWriter } = await import('../../packages/plurad/dist/data/pack/writer.js')
const { Pack } = await import('../../packages/plurad/dist/data/pack/open.js')
const { makeSampler, samplerSettings, samplers } =
  await import('../../packages/plurad/dist/data/samplers/registry.js')

const { part, folder, size } = JSON.parse(process.argv[2])
const data = join(folder, 'data')
const pack = { folder: join(folder, 'pack'), root: data }
const preprocessing = preprocessingWith({ size })
const results = []

/** Megabytes that live objects and buffers take, and the most that the process ever took of the machine. */
function memory() {
  globalThis.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    live_mb: (heapUsed + external) / 1e6,
    rss_mb: rss / 1e6,
    peak_mb: process.resourceUsage().maxRSS / 1e3,
  }
}

async function step(name, run) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const result = await run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  results.push({ step: name, seconds, cpu_seconds: (user + system) / 1e6, ...memory() })
  return result
}

const open = () => openDataset(data, { settings: { split: 'none' } })

const parts = {
  /** From the table to the order of an epoch. */
  async index() {
    const dataset = await step('open the data set', open)
    const assignment = await step('split by patient', () => splitDataset(dataset))
    const file = join(folder, 'split.csv')
    await step('write split.csv', () => writeSplit(file, dataset, assignment))
    await step('read split.csv', () => readSplit(file, dataset))
    const rows = dataset.samples.map(({ labels }) => labels)
    for (const { settings } of samplers) {
      const name = settings.shape.name.value
      const chosen = samplerSettings.parse(name)
      await step(`order of an epoch, ${name}`, () => makeSampler(rows, chosen)(new Random(0, 0)))
    }
  },

  /** What `plurad train` does: the rows are copied to the engine's thread. */
  async engine() {
    const dataset = await step('open the data set', open)
    await step('copy of the rows to the thread that trains', async () => {
      const code = "require('node:worker_threads').parentPort.on('message', m => postMessage(m.length))"
      const worker = new Worker(
        code.replace('postMessage', "require('node:worker_threads').parentPort.postMessage"),
        {
          eval: true,
        },
      )
      const answer = new Promise((resolve) => worker.once('message', resolve))
      worker.postMessage(dataset.samples)
      await answer
      globalThis.worker = worker
    })
    await globalThis.worker.terminate()
  },

  /** A pack as `plurad data pack` writes it, of made-up pixels: decoding is measured by `loader.mjs`. */
  async write() {
    const dataset = await step('open the data set', open)
    const { name, fingerprint } = dataset
    await step('write the pack', async () => {
      const { stampOf } = await import('../../packages/plurad/dist/data/pack/reader.js')
      const { keyOf } = await import('../../packages/plurad/dist/data/pack/format.js')
      const writer = await PackWriter.open(
        pack.folder,
        makeHeader(preprocessing, data, { name, fingerprint }),
      )
      for (const { path } of dataset.samples) {
        const pixels = new Uint16Array(size * size).fill(path.length)
        await writer.add(keyOf(data, path), stampOf(path), { pixels })
      }
      await writer.commit()
      await writer.close()
    })
  },

  async read() {
    const dataset = await step('open the data set', open)
    await step('open the pack', () => new Pack(pack, preprocessing).close())
    const sources = dataset.samples.map(({ path }) => path)
    const order = makeSampler(
      sources.map(() => []),
      samplerSettings.parse('shuffled'),
    )(new Random(0, 0))
    const loader = new ImageLoader({ ...preprocessing, workers: 2, cacheBytes: 0, strict: true, pack })
    const tenth = order.subarray(0, Math.ceil(order.length / 10))
    for (const [name, of] of Object.entries({
      'a tenth of an epoch from the pack': tenth,
      'an epoch from the pack': order,
    })) {
      await step(name, async () => {
        let images = 0
        for await (const { indices } of loader.batches(sources, of, 64, { reuse: true }))
          images += indices.length
        if (images !== of.length) throw new Error(`${images} of ${of.length} images`)
      })
    }
    if (loader.refused.size > 0) throw new Error(`${loader.refused.size} images refused`)
    await loader.close()
  },
}

await parts[part]()
console.log(JSON.stringify({ results, version: `plurad on node ${process.versions.node}` }))
