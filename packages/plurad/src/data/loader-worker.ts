/** The thread that `ImageLoader` starts: takes tasks in the order they come and hands back the pixels' memory. */
import { parentPort, workerData } from 'node:worker_threads'
import {
  ImageReader,
  type LoadedImage,
  type LoaderResult,
  type LoaderTask,
  type ReaderSettings,
} from './load-image.js'

const port = parentPort
if (port === null) throw new Error('loader-worker.js runs as a worker thread only')
const reader = new ImageReader(workerData as ReaderSettings)

/** One after the other: a worker is meant to keep one core busy, not several. */
let queue = Promise.resolve()

port.on('message', (task: LoaderTask) => {
  queue = queue.then(() => run(task))
})

async function run({ id, files, stop, places }: LoaderTask): Promise<void> {
  const images: LoadedImage[] = []
  for (const [position, file] of files.entries()) {
    if (Atomics.load(stop, 0) !== 0) break
    images.push(await reader.load(file, places?.[position]))
  }
  const own =
    places === null ? images.flatMap((image) => ('pixels' in image ? [image.pixels.buffer] : [])) : []
  port?.postMessage({ id, images } satisfies LoaderResult, own as ArrayBuffer[])
}
