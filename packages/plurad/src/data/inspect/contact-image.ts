import { resize } from '../resize.js'
import { readImage, type ImageReading } from './image-facts.js'

/** Longest side of a picture on a contact sheet, pixels. */
const SIDE = 112

const QUALITY = 70

/**
 * A small JPEG of an image, without anything of the original file but its picture.
 *
 * @param side longest side, pixels; smaller images stay as they are
 * @throws DataError naming the file, for one that cannot be read
 */
export async function contactImageOf(
  reference: string,
  reading: ImageReading,
  side = SIDE,
): Promise<Uint8Array> {
  const image = await readImage(reference, reading)
  const scale = Math.min(1, side / Math.max(image.width, image.height))
  const width = Math.max(1, Math.round(image.width * scale))
  const height = Math.max(1, Math.round(image.height * scale))
  const planes = resize(image, { outWidth: width, outHeight: height })
  const { channels } = image
  const area = width * height
  const pixels = Uint8Array.from({ length: area * channels }, (_, at) =>
    Math.round(255 * Math.min(1, planes[(at % channels) * area + Math.floor(at / channels)])),
  )
  const { default: sharp } = await import('sharp')
  const jpeg = await sharp(pixels, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .jpeg({ quality: QUALITY })
    .toBuffer()
  return new Uint8Array(jpeg)
}
