import type { DecodedImage } from '../image.js'
import type { WindowChoice } from '../preprocessing.js'

/** What a reader may ask of a file. Formats that have no such thing ignore it. */
export interface ReadOptions {
  /** Which values become black and white. */
  window: WindowChoice
  /**
   * Which image of a file that holds several, as an image reference says it after `#`: a frame or slice number from 0, an
   * array's name and row such as `train_images/17`. Null for the format's own choice: the first frame of a DICOM file,
   * the middle slice of a volume.
   */
  part: string | null
  /** Whether the content is the decoder's own: it may then be overwritten. */
  own?: boolean | undefined
}

/** One file format. To add one: a file beside this and a line in `registry.ts`. */
export interface ImageFormat {
  /** As people know it, such as `PNG`. */
  name: string
  /** Usual endings, lower case with the dot; for messages and file dialogs, never for detection. */
  extensions: readonly string[]
  /** Whether a file that begins with these bytes (at most 512) is of this format. */
  matches(head: Uint8Array): boolean
  /**
   * Pixels of a whole file. Throws on damaged or cut-off content, with the reason and without the file's name; an
   * `UnsupportedError` where the file is whole.
   */
  decode(bytes: Uint8Array, options: ReadOptions): DecodedImage | Promise<DecodedImage>
  /** The same from disk, for files that hold far more than one image: used instead of `decode` where there is a path. */
  decodeFile?(path: string, options: ReadOptions): DecodedImage | Promise<DecodedImage>
}

/**
 * The file is whole, but what it holds, or the part or window that was asked for, is none that can be given. Its
 * message says what was found, what is expected and what to do, without the file's name.
 */
export class UnsupportedError extends Error {
  override name = 'UnsupportedError'
}

/** Whether `head` has `signature` at `offset`. */
export function startsWith(head: Uint8Array, signature: readonly number[], offset = 0): boolean {
  return signature.every((byte, index) => head[offset + index] === byte)
}
