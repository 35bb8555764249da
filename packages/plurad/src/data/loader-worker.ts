/** The thread that `LoaderPool` starts: reads images and hands back the pixels' memory. */
import { workerData } from 'node:worker_threads'
import { serveTasks } from '../worker-tasks.js'
import { ImageReader, type LoadedImage, type LoaderTask, type ReaderSettings } from './load-image.js'

const reader = new ImageReader(workerData as ReaderSettings)

serveTasks({
  async run({ files, stop, places }: LoaderTask): Promise<LoadedImage[]> {
    const images: LoadedImage[] = []
    for (const [position, file] of files.entries()) {
      if (Atomics.load(stop, 0) !== 0) break
      images.push(await reader.load(file, places?.[position]))
    }
    return images
  },
  handsOver: ({ places }, images) =>
    places === null
      ? images.flatMap((image) => ('pixels' in image ? [image.pixels.buffer as ArrayBuffer] : []))
      : [],
  // A damaged file is a result; anything else is a fault of the thread.
  errorsAreFatal: true,
})
