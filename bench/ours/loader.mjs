/** Images read by plurad: one at a time, through the loader, from a pack, and in training. Without libtorch unless trained. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { filesOf, report, sampleOf } from './images.mjs'

const { decodeImage, ImageLoader, packDataset, preprocess, preprocessingWith } =
  await import('../../packages/plurad/dist/data/index.js')

const { task, set, size, batch = 16, workers = 0, passes, copies = 1 } = JSON.parse(process.argv[2])
const preprocessing = preprocessingWith({ size })
const scratch = mkdtempSync(join(tmpdir(), 'plurad-bench-'))
// Several names for each file, where an epoch of the set alone would be over too soon.
const files = Array.from({ length: copies }, (_, copy) =>
  filesOf(set).map((file, i) => {
    if (copies === 1) return file
    const link = join(scratch, `${copy}-${i}`)
    symlinkSync(resolve(file), link)
    return link
  }),
).flat()

/** One image after the other in this thread, without a loader: what PIL and torchvision are asked for. */
async function decodeEach() {
  let sum = 0
  for (const file of files) sum += preprocess(await decodeImage(file), preprocessing)[0]
  return sum
}

async function through(loader) {
  let images = 0
  for await (const { indices } of loader.batches(files, [...files.keys()], batch, { reuse: true }))
    images += indices.length
  if (images !== files.length) throw new Error(`${images} of ${files.length} images`)
}

/** What the calling thread and all others of this process use. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

async function measure(pass) {
  await pass()
  const [cpu, start] = [cpuSeconds(), performance.now()]
  for (let i = 0; i < passes; i++) await pass()
  const images = passes * files.length
  report({
    perCpuSecond: images / (cpuSeconds() - cpu),
    perSecond: images / ((performance.now() - start) / 1000),
  })
}

try {
  if (task === 'decode') await measure(decodeEach)
  else {
    const root = scratch
    const out = join(scratch, 'pack')
    const dataset = { name: set, fingerprint: 'bench', samples: files.map(sampleOf) }
    if (task === 'packed') await packDataset(dataset, { out, preprocessing, root })
    const pack = task === 'packed' ? { folder: out, root } : null
    const loader = new ImageLoader({ ...preprocessing, workers, cacheBytes: 0, strict: true, pack })
    await measure(() => through(loader))
    await loader.close()
  }
} finally {
  rmSync(scratch, { recursive: true })
}
