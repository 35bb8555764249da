import { DataError } from '../../errors.js'
import type { DecodedImage } from '../image.js'
import { UnsupportedError, type ImageFormat, type ReadOptions } from './format.js'

/** Bytes from the beginning of a file by which its format is told. */
export const HEAD_BYTES = 512

export function formatOf(head: Uint8Array, formats: readonly ImageFormat[]): ImageFormat | undefined {
  return formats.find((candidate) => candidate.matches(head))
}

/**
 * Decodes a file's content; the format is told by its first bytes.
 *
 * @param name what messages call it, such as its path or the name of an upload
 * @param formats those that can be read here
 * @throws DataError naming the file, where it is damaged, cut off or of no known format
 */
export async function decodeBytes(
  bytes: Uint8Array,
  name: string,
  formats: readonly ImageFormat[],
  options: ReadOptions,
): Promise<DecodedImage> {
  if (bytes.length === 0)
    throw new DataError(`${name}: the file is empty (0 bytes). Copy it again from its source.`)
  const head = bytes.subarray(0, HEAD_BYTES)
  const format = formatOf(head, formats)
  if (format === undefined) {
    const known = formats.map((candidate) => candidate.name).join(', ')
    throw new DataError(
      `${name}: not an image we can read: its first bytes are ${hex(head)}. Expected one of ${known}.`,
    )
  }
  return decodeChecked(format, name, `${bytes.length} bytes`, () => format.decode(bytes, options))
}

/** Runs a decoder and sees to it that only consistent images and errors that name the file come out. */
export async function decodeChecked(
  format: ImageFormat,
  name: string,
  extent: string | null,
  decode: () => DecodedImage | Promise<DecodedImage>,
): Promise<DecodedImage> {
  let image: DecodedImage
  try {
    image = await decode()
  } catch (error) {
    if (error instanceof UnsupportedError) throw new DataError(`${name}: ${reason(error)}.`, { cause: error })
    throw new DataError(
      `${name}: damaged or cut-off ${format.name} file${extent === null ? '' : ` (${extent})`}: ${reason(error)}. ` +
        'Copy it again from its source.',
      { cause: error },
    )
  }
  if (image.data.length !== image.width * image.height * image.channels || image.data.length === 0) {
    throw new DataError(
      `${name}: the decoder gave ${image.data.length} values for ${image.width} x ${image.height} x ${image.channels}.`,
    )
  }
  return image
}

export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.trim().replace(/\s+/g, ' ').replace(/\.$/, '')
}

function hex(head: Uint8Array): string {
  return [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
