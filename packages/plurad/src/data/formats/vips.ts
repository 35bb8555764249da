import type { FailOnOptions } from 'sharp'
import { asUint16, MAX_PIXELS, type DecodedImage } from '../image.js'

async function loadSharp() {
  const { default: sharp } = await import('sharp')
  // One image is one thread's work here: the loader's workers are what runs in parallel.
  sharp.cache(false)
  sharp.concurrency(1)
  return sharp
}

let loading: ReturnType<typeof loadSharp> | undefined

/**
 * Decodes through libvips, without its colour management: no profile is applied and no EXIF orientation,
 * which is how Pillow and torchvision read an image.
 *
 * @param failOn the mildest trouble that is an error
 */
export async function decodeWithVips(bytes: Uint8Array, failOn: FailOnOptions): Promise<DecodedImage> {
  const sharp = await (loading ??= loadSharp())
  const image = sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels: MAX_PIXELS })
  const { depth, channels: stored, hasAlpha } = await image.metadata()
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw new Error(`its pixels are of type ${depth}, where 8-bit or 16-bit unsigned integers are expected`)
  }
  const deep = depth === 'ushort'
  const grey = stored - (hasAlpha ? 1 : 0) === 1
  // Without the explicit 16-bit spaces a 16-bit grey image comes out as three wrong channels, silently.
  const space = grey ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb'
  const { data, info } = await image
    .removeAlpha()
    .toColourspace(space)
    .raw({ depth })
    .toBuffer({ resolveWithObject: true })
  const channels = grey ? 1 : 3
  if (info.channels !== channels)
    throw new Error(`it has ${info.channels} channels, where ${channels} are expected`)
  const values = deep ? asUint16(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { width: info.width, height: info.height, channels, maxValue: deep ? 65535 : 255, data: values }
}
