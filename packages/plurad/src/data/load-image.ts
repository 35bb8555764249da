import { decodeImageBlocking } from './formats/decode.js'
import { preprocessToGrid } from './preprocess.js'
import type { Preprocessing } from './preprocessing.js'

/** Main thread to worker: decode these. */
export interface LoaderTask {
  id: number
  paths: readonly string[]
  /** One shared number a sequence of batches; where it is not 0 nobody waits for the result any more. */
  stop: Int32Array
}

/** The pixels of one image as `preprocessToGrid` gives them, or why there are none. */
export type LoadedImage = { pixels: Uint16Array<ArrayBuffer> } | { reason: string }

/** Worker to main thread: the images of the task of that id, in its order; fewer where it was stopped. */
export interface LoaderResult {
  id: number
  images: LoadedImage[]
}

/** Decodes and preprocesses one file; damage is a value, not an exception. */
export async function loadImage(path: string, preprocessing: Preprocessing): Promise<LoadedImage> {
  try {
    return { pixels: preprocessToGrid(await decodeImageBlocking(path, preprocessing.window), preprocessing) }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}
