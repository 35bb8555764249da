import type { FailOnOptions, Sharp } from 'sharp'
import { asUint16, MAX_PIXELS, type DecodedImage } from '../image.js'
import { cmykToRgb } from './cmyk.js'
import { orientationWarning } from './exif.js'

async function loadSharp() {
  const { default: sharp } = await import('sharp')
  // One image is one thread's work here: the loader's workers are what runs in parallel.
  sharp.cache(false)
  sharp.concurrency(1)
  return sharp
}

let loading: ReturnType<typeof loadSharp> | undefined

interface VipsOptions {
  /** The mildest trouble that is an error. */
  failOn: FailOnOptions
  /** Which page, from 0. */
  page?: number
  /** Turn it by its orientation; else it is decoded as stored, with a warning where it has one. */
  upright?: boolean
}

/** A decoder for these bytes, without colour management: no profile is applied, as in Pillow and torchvision. */
async function openWithVips(
  bytes: Uint8Array,
  { failOn, page = 0, upright = false }: VipsOptions,
): Promise<Sharp> {
  const sharp = await (loading ??= loadSharp())
  return sharp(bytes, { failOn, page, autoOrient: upright, ignoreIcc: true, limitInputPixels: MAX_PIXELS })
}

/** Decodes unsigned integers of up to 16 bits. */
export async function decodeWithVips(bytes: Uint8Array, options: VipsOptions): Promise<DecodedImage> {
  const image = await openWithVips(bytes, options)
  const { depth, channels: stored, hasAlpha, space, orientation = 1 } = await image.metadata()
  if (depth !== 'uchar' && depth !== 'ushort')
    throw new Error(`its pixels are of type ${depth}, where 8-bit or 16-bit unsigned integers are expected`)
  const deep = depth === 'ushort'
  const maxValue = deep ? 65535 : 255
  const warning = options.upright ? undefined : orientationWarning(orientation)
  if (space === 'cmyk' && !deep) {
    const inks = await image
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer({ resolveWithObject: true })
    const { width, height, channels } = inks.info
    return {
      width,
      height,
      channels: 3,
      maxValue,
      data: cmykToRgb(inks.data, width * height, channels),
      warning,
    }
  }
  const grey = stored - (hasAlpha ? 1 : 0) === 1
  const channels = grey ? 1 : 3
  // Without the explicit 16-bit spaces a 16-bit grey image comes out as three wrong channels, silently.
  const target = grey ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb'
  const { data, info } = await image
    .removeAlpha()
    .toColourspace(target)
    .raw({ depth })
    .toBuffer({ resolveWithObject: true })
  if (info.channels !== channels)
    throw new Error(`it has ${info.channels} channels, where ${channels} are expected`)
  const values = deep ? asUint16(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { width: info.width, height: info.height, channels, maxValue, data: values, asStored: deep, warning }
}

/** Decodes one channel of floats or 32-bit integers as numbers. */
export async function measureWithVips(
  bytes: Uint8Array,
  options: VipsOptions,
): Promise<{ width: number; height: number; values: Float64Array }> {
  const image = await openWithVips(bytes, options)
  const { data, info } = await image
    .toColourspace('b-w')
    .raw({ depth: 'double' })
    .toBuffer({ resolveWithObject: true })
  if (info.channels !== 1) throw new Error(`it has ${info.channels} channels, where 1 is expected`)
  const values = new Float64Array(new Uint8Array(data).buffer)
  return { width: info.width, height: info.height, values }
}
