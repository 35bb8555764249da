import { decodeImageBlocking } from './formats/decode.js'
import { PackReader, type PackedImage, type PackLocation } from './pack/reader.js'
import { preprocessToGrid } from './preprocess.js'
import type { Preprocessing } from './preprocessing.js'
import { warningOf } from './unlike.js'
import { applyRange } from './value-range.js'

/** A file to read, and where a pack has its pixels already. */
export interface FileRequest {
  path: string
  packed: PackedImage | null
}

/** What a thread is given to do: read these. */
export interface LoaderTask {
  files: readonly FileRequest[]
  /** One shared number a sequence of batches; where it is not 0 nobody waits for the result any more. */
  stop: Int32Array
  /** Where the pixels go, one place a file; null where each image is to have memory of its own. */
  places: readonly Uint16Array[] | null
}

/** Why a file was decoded although a pack has it: the file has changed since, or the pack's copy is damaged. */
export type PackRefusal = 'changed' | 'damaged'

/** The pixels of one image as `preprocessToGrid` gives them, or why there are none. */
export type LoadedImage = ({ pixels: Uint16Array; warning?: string | undefined } | { reason: string }) & {
  refused?: PackRefusal | undefined
}

/** What a thread needs to know to read; plain data, as it is copied to workers. */
export interface ReaderSettings {
  preprocessing: Preprocessing
  pack: PackLocation | null
  /** Also warn of images that are not what a model expects, see `warningOf`. */
  expecting?: boolean | undefined
}

/** What every thread that reads has for itself. */
export class ImageReader {
  readonly #preprocessing: Preprocessing
  readonly #pack: PackReader | null
  readonly #expecting: boolean

  constructor({ preprocessing, pack, expecting = false }: ReaderSettings) {
    this.#preprocessing = preprocessing
    this.#expecting = expecting
    this.#pack = pack === null ? null : new PackReader(pack)
  }

  /**
   * From the pack where it has the file as it is now, else from the file; damage is a value, not an exception.
   *
   * @param place where the pixels go; memory of their own when left out
   */
  async load({ path, packed }: FileRequest, place?: Uint16Array): Promise<LoadedImage> {
    const found = packed === null || this.#pack === null ? null : this.#pack.read(path, packed, place)
    if (found !== null && typeof found !== 'string') return found
    const image = await loadImage(path, this.#preprocessing, this.#expecting)
    if (found !== null) image.refused = found
    if (place === undefined || 'reason' in image) return image
    place.set(image.pixels)
    return { ...image, pixels: place }
  }

  close(): void {
    this.#pack?.close()
  }
}

/** Decodes and preprocesses one file; damage is a value, not an exception. */
export async function loadImage(
  path: string,
  preprocessing: Preprocessing,
  expecting = false,
): Promise<LoadedImage> {
  try {
    const image = applyRange(await decodeImageBlocking(path, preprocessing.window), preprocessing)
    const pixels = preprocessToGrid(image, preprocessing)
    const warning = warningOf(image, expecting ? preprocessing : null)
    return warning === null ? { pixels } : { pixels, warning }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}
