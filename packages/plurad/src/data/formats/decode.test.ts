import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError } from '../../errors.js'
import type { WindowChoice } from '../preprocessing.js'
import { decodeImage, decodeImageBlocking, decodeImageBytes } from './decode.js'
import { imageFormats } from './registry.js'

/** Made by test/fixtures/data/make_images.py: what Pillow reads from the same files. */
const fixtures = fileURLToPath(new URL('../../../test/fixtures/data/', import.meta.url))
const expected = JSON.parse(readFileSync(join(fixtures, 'images.json'), 'utf8')) as Record<
  string,
  { width: number; height: number; channels: number; maxValue: number; data: number[] }
>
/** Of files whose values are measurements what they store. */
const measured = JSON.parse(readFileSync(join(fixtures, 'measured.json'), 'utf8')) as Record<
  string,
  { type: string; values: number[] }
>
const file = (name: string) => join(fixtures, 'images', name)
/** Without parts of files. */
const files = Object.keys(expected).filter((name) => !name.includes('#'))

async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DataError)
  return (error as Error).message
}

describe('decodeImage', () => {
  it.each(Object.keys(expected))('reads %s as Pillow does', async (name) => {
    const { data, ...shape } = expected[name]
    const image = await decodeImage(file(name))
    const { width, height, channels, maxValue } = image
    expect({ width, height, channels, maxValue }).toEqual(shape)
    expect(image.asStored ?? false).toBe(maxValue === 65535)
    // Decoders of lossy files may round by one; all others have one right answer.
    const tolerance = name.endsWith('.jpg') || name.startsWith('jpeg-in') ? 1 : 0
    const worst = data.reduce((most, value, at) => Math.max(most, Math.abs(value - image.data[at])), 0)
    expect(worst).toBeLessThanOrEqual(tolerance)
    expect(image.data).toHaveLength(data.length)
  })

  it('warns of photographs that were turned, and of those only', async () => {
    for (const name of files) {
      const { warning } = await decodeImage(file(name))
      if (name === 'orientation.jpg') expect(warning).toContain('EXIF orientation 6')
      else expect(warning).toBeUndefined()
    }
  })

  it.each(Object.keys(measured))('reads %s as measurements, through a window', async (name) => {
    const { type, values } = measured[name]
    const bits = 8 * Number(type[1])
    const seen = async (window: WindowChoice, low: number, high: number) => {
      const image = await decodeImage(file(name), window)
      expect(image).toMatchObject({ width: 13, height: 9, channels: 1, maxValue: 65535 })
      const wanted = values.map((value) => Math.min(1, Math.max(0, (value - low) / (high - low))) * 65535)
      const worst = wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - image.data[at])), 0)
      expect(worst).toBeLessThanOrEqual(0.501)
    }
    const span =
      type[0] === 'f'
        ? ([Math.min(...values), Math.max(...values)] as const)
        : type[0] === 'u'
          ? ([0, 2 ** bits - 1] as const)
          : ([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] as const)
    await seen('full', ...span)
    await seen('file', ...span)
    await seen({ center: 20, width: 101 }, -30.5, 70.5)
    await seen('brain', 0, 80)
  })

  it.each([
    ['refused-float64.tif', '1 samples of 64 bits, float'],
    ['refused-bits12.tif', '1 samples of 12 bits, unsigned'],
    ['refused-channels7.tif', '7 samples of 8 bits'],
    ['refused-lab.tif', 'photometric interpretation 8'],
  ])('refuses %s by name', async (name, reason) => {
    const message = await failure(decodeImage(file(name)))
    expect(message).toContain(reason)
    // It is whole: nobody needs to copy it again.
    expect(message).not.toContain('damaged')
  })

  it('says which pages a TIFF has', async () => {
    expect(await decodeImage(file('pages.tif'))).toEqual(await decodeImage(file('pages.tif#0')))
    expect(await failure(decodeImage(file('pages.tif#3')))).toContain('page 3 was asked for, but it has 3')
    expect(await failure(decodeImage(file('pages.tif#first')))).toContain('part "first" is no page number')
  })

  it('gives the same through the blocking read, and goes by content, not by name', async () => {
    const image = await decodeImageBlocking(file('grey16.png'))
    expect(image).toEqual(await decodeImage(file('grey16.png')))
    expect(await decodeImageBytes(await readFile(file('grey16.png')), 'upload.jpg')).toEqual(image)
  })

  it('reads a file from an odd place in memory', async () => {
    const bytes = await readFile(file('rgb16.png'))
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect(await decodeImageBytes(shifted.subarray(1), 'x')).toEqual(await decodeImage(file('rgb16.png')))
  })
})

describe('damaged files', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plurad-decode-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each(files)('refuses %s cut off anywhere in its pixels', async (name) => {
    const bytes = await readFile(file(name))
    // A PNG's last 12 bytes only say that it ends, and in a TIFF the directory may come before or after the pixels.
    const end = name.endsWith('.png') ? bytes.length - 12 : bytes.length
    for (let cut = 9; cut < end; cut += 7) {
      const message = await failure(decodeImageBytes(bytes.subarray(0, cut), 'cut.file'))
      expect(message).toContain('cut.file: ')
    }
  })

  it('refuses a PNG with a wrong byte, by its checksums', async () => {
    const bytes = await readFile(file('rgb8.png'))
    for (const at of [20, 45, 100, bytes.length - 20]) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = damaged[at] ^ 0x10
      await failure(decodeImageBytes(damaged, 'x.png'))
    }
  })

  it('refuses a PNG with fewer rows than its header says, checksums right', async () => {
    expect(await failure(decodeImageBytes(greyPng(10, 8, 5), 'short.png'))).toContain('short.png')
    expect((await decodeImageBytes(greyPng(10, 8, 8), 'whole.png')).height).toBe(8)
  })

  it('refuses a header that claims more pixels than memory should be taken for', async () => {
    const message = await failure(decodeImageBytes(greyPng(100_000, 100_000, 1), 'bomb.png'))
    expect(message).toContain('100000 x 100000')
    const few = await failure(decodeImageBytes(greyPng(10_000, 10_000, 1), 'bomb.png'))
    expect(few).toContain('10000 x 10000 pixels, which')
  })

  it('refuses a JPEG whose header claims more than its bytes can hold', async () => {
    for (const name of ['progressive.jpg', 'rgb-444.jpg']) {
      const bytes = await readFile(file(name))
      const frame = bytes.indexOf(Buffer.from(name === 'progressive.jpg' ? 'ffc2' : 'ffc0', 'hex'))
      bytes.writeUInt16BE(16_000, frame + 5)
      bytes.writeUInt16BE(16_000, frame + 7)
      expect(await failure(decodeImageBytes(bytes, 'bomb.jpg'))).toContain(
        '16000 x 16000 pixels, which so few',
      )
    }
  })

  it('refuses a TIFF whose strips or tiles are not all there', async () => {
    // Decoders show what is missing as black.
    for (const [name, tag, value] of [
      ['tiled16.tif', 256, 500],
      ['tiled-rgb.tif', 257, 400],
      ['strips.tif', 257, 11],
      ['planar8.tif', 257, 1000],
    ] as const) {
      const bytes = await readFile(file(name))
      const directory = bytes.readUInt32LE(4)
      for (let at = directory + 2; bytes.readUInt16LE(at) <= tag; at += 12)
        if (bytes.readUInt16LE(at) === tag) bytes.writeUInt16LE(value, at + 8)
      expect(await failure(decodeImageBytes(bytes, 'holes.tif'))).toContain('holes.tif')
    }
    const tiled = await readFile(file('tiled16.tif'))
    tiled.writeUInt16LE(500, tiled.readUInt32LE(4) + 2 + 8)
    expect(await failure(decodeImageBytes(tiled, 'holes.tif'))).toContain(
      'needs 32 strips or tiles and lists 1',
    )
  })

  it('names foreign, empty and missing files, and folders', async () => {
    const text = join(folder, 'note.png')
    await writeFile(text, '<html>404 not found</html>')
    expect(await failure(decodeImage(text))).toMatch(
      /note\.png: not an image we can read.*3c 68 74 6d.*PNG, JPEG, TIFF/,
    )
    const empty = join(folder, 'empty.png')
    await writeFile(empty, '')
    expect(await failure(decodeImage(empty))).toContain('empty.png: the file is empty')
    expect(await failure(decodeImage(join(folder, 'none.png')))).toContain('none.png: no such file')
    expect(await failure(decodeImage(folder))).toContain('this is a folder')
    expect(await failure(decodeImageBlocking(folder))).toContain('this is a folder')
  })
})

describe('registry', () => {
  it('has one format for each fixture and no name twice', () => {
    for (const name of files) {
      const head = readFileSync(file(name)).subarray(0, 512)
      expect(imageFormats.filter((format) => format.matches(head))).toHaveLength(1)
    }
    const endings = imageFormats.flatMap((format) => format.extensions)
    expect(new Set(endings).size).toBe(endings.length)
    expect(imageFormats.some((format) => format.matches(new Uint8Array(0)))).toBe(false)
  })
})

/** A black 8-bit grey PNG with a header for `height` rows and data for `rows`. */
function greyPng(width: number, height: number, rows: number): Uint8Array {
  const chunk = (kind: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(kind, 'latin1'), data])
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.length, 0)
    frame.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  const pixels = deflateSync(new Uint8Array(rows * (width + 1)))
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', new Uint8Array(0)),
  ])
}
