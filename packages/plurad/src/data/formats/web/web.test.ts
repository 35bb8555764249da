import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { DataError } from '../../../errors.js'
import type { DecodedImage } from '../../image.js'
import { decodeImage, decodeImageBytes } from '../decode.js'
import { decodeBytes } from '../decode-bytes.js'
import type { ReadOptions } from '../format.js'
import { setDecodersUrl } from './decoders.js'
import { webFormats } from './registry.js'

/** Made by test/fixtures/data/make_images.py: what Pillow reads from the same files. */
const fixtures = fileURLToPath(new URL('../../../../test/fixtures/data/', import.meta.url))
const pillow = JSON.parse(readFileSync(join(fixtures, 'images.json'), 'utf8')) as Record<
  string,
  { width: number; height: number; channels: number; maxValue: number; data: number[] }
>
const pictures = Object.keys(pillow).filter((name) => /\.(png|jpg)$/.test(name))
const picture = (name: string): Uint8Array => readFileSync(join(fixtures, 'images', name))

const dicomFolder = fileURLToPath(new URL('../../../../test/fixtures/dicom/files/', import.meta.url))

const whole: ReadOptions = { window: 'file', part: null }
const decode = (bytes: Uint8Array, name: string, options = whole): Promise<DecodedImage> =>
  decodeBytes(bytes, name, webFormats, options)

/** What an image is, or why it is none. */
const outcome = (image: Promise<DecodedImage>): Promise<unknown> =>
  image.then(
    ({ width, height, channels, maxValue, data, asStored = false, warning }) => ({
      ...{ width, height, channels, maxValue, asStored, warning },
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    }),
    (error: unknown) => (error instanceof DataError ? 'refused' : error),
  )

const code = readFileSync(
  createRequire(import.meta.url).resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm'),
)

describe('what a browser reads', () => {
  it('says where the decoders should be', async () => {
    setDecodersUrl('data:nowhere')
    await expect(decode(picture('grey.jpg'), 'grey.jpg')).rejects.toThrow(/not at data:nowhere.*wasmPaths/)
  })

  describe('with its decoders', () => {
    beforeAll(() => setDecodersUrl(`data:application/wasm;base64,${code.toString('base64')}`))

    it.each(pictures)('is of %s what Pillow and Node read', async (name) => {
      const { data, ...shape } = pillow[name]
      const image = await decode(picture(name), name)
      expect(image).toMatchObject(shape)
      const tolerance = name.endsWith('.jpg') ? 1 : 0
      const worst = data.reduce((most, value, at) => Math.max(most, Math.abs(value - image.data[at])), 0)
      expect(worst).toBeLessThanOrEqual(tolerance)
      expect(image.data).toHaveLength(data.length)
      expect(await outcome(decode(picture(name), name))).toEqual(
        await outcome(decodeImage(join(fixtures, 'images', name))),
      )
    })

    it('is of JPEG that calls itself both JFIF and RGB what Node reads', async () => {
      const rgb = picture('adobe-rgb.jpg')
      const jfif = Buffer.from('ffe000104a46494600010100000100010000', 'hex')
      const both = Buffer.concat([rgb.subarray(0, 2), jfif, rgb.subarray(2)])
      const image = await decode(both, 'both.jpg')
      expect(image).toEqual(await decodeImageBytes(both, 'both.jpg'))
      expect(image.data).not.toEqual((await decode(rgb, 'rgb.jpg')).data)
    })

    it('is of DICOM files, whole and refused, what Node reads', async () => {
      for (const name of readdirSync(dicomFolder).filter((file) => file.endsWith('.dcm'))) {
        const path = join(dicomFolder, name)
        expect(await outcome(decode(readFileSync(path), name)), name).toEqual(
          await outcome(decodeImage(path)),
        )
      }
      const frames = readFileSync(join(dicomFolder, 'frames.dcm'))
      expect(await outcome(decode(frames, 'frames.dcm', { window: 'full', part: '1' }))).toEqual(
        await outcome(decodeImage(join(dicomFolder, 'frames.dcm#1'), 'full')),
      )
    })

    it.each(pictures)('refuses %s cut off anywhere in its pixels', async (name) => {
      const bytes = picture(name)
      const end = name.endsWith('.png') ? bytes.length - 12 : bytes.length
      for (let cut = 9; cut < end; cut += 7)
        await expect(decode(bytes.subarray(0, cut), 'cut.file'), `${cut} bytes`).rejects.toThrow(
          /^cut\.file: /,
        )
    })

    it('refuses a PNG with a wrong byte, by its checksums', async () => {
      const bytes = picture('rgb8.png')
      for (const at of [20, 45, 100, bytes.length - 20]) {
        const damaged = Uint8Array.from(bytes)
        damaged[at] ^= 0x10
        await expect(decode(damaged, 'x.png')).rejects.toThrow(DataError)
      }
    })

    it('names what it does not read', async () => {
      await expect(decode(picture('grey8.tif'), 'scan.tif')).rejects.toThrow(
        /scan\.tif: not an image we can read.*one of PNG, JPEG, DICOM/,
      )
    })
  })
})
