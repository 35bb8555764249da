import type { Picture } from '../../augment/operation.js'
import { imagesOf } from '../../augment/pixels.js'
import { decodeWithVips } from '../../formats/vips.js'
import type { Corruption } from './corruption.js'

/** Written as baseline JPEG and read again, as archives and messengers do; the values are rounded to 8 bits on the way. */
export const jpeg: Corruption = {
  name: 'jpeg',
  amount: 'quality of libjpeg, 1 to 100',
  amounts: [90, 75, 50, 30, 15],
  async apply(picture, quality) {
    for (const image of imagesOf(picture)) await compress(image, picture, quality)
  },
}

/** @param image [channels, size, size], changed in place */
async function compress(image: Float32Array, { size, channels }: Picture, quality: number): Promise<void> {
  const { default: sharp } = await import('sharp')
  const plane = size * size
  const interleaved = new Uint8Array(image.length)
  for (let channel = 0, from = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < plane; pixel++)
      interleaved[pixel * channels + channel] = Math.round(image[from++] * 255)
  }
  const raw = { width: size, height: size, channels: channels as 1 | 3 }
  const bytes = await sharp(interleaved, { raw })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .jpeg({ quality })
    .toBuffer()
  const { data } = await decodeWithVips(bytes, { failOn: 'warning' })
  for (let channel = 0, to = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < plane; pixel++) image[to++] = data[pixel * channels + channel] / 255
  }
}
