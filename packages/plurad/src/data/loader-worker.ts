/** The thread that `ImageLoader` starts: takes tasks in the order they come and hands back the pixels' memory. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadImage, type LoadedImage, type LoaderResult, type LoaderTask } from './load-image.js'
import type { Preprocessing } from './preprocessing.js'

const port = parentPort
if (port === null) throw new Error('loader-worker.js runs as a worker thread only')
const preprocessing = workerData as Preprocessing

/** One after the other: a worker is meant to keep one core busy, not several. */
let queue = Promise.resolve()

port.on('message', (task: LoaderTask) => {
  queue = queue.then(() => run(task))
})

async function run({ id, paths, stop }: LoaderTask): Promise<void> {
  const images: LoadedImage[] = []
  for (const path of paths) {
    if (Atomics.load(stop, 0) !== 0) break
    images.push(await loadImage(path, preprocessing))
  }
  const memory = images.flatMap((image) => ('pixels' in image ? [image.pixels.buffer] : []))
  port?.postMessage({ id, images } satisfies LoaderResult, memory)
}
