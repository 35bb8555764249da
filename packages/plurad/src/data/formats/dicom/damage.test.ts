import { deflateRawSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readDicom, readDicomHeader, renderFrame, storedValues } from './index.js'

const read = (name: string): Uint8Array =>
  readFileSync(new URL(`../../../../test/fixtures/dicom/files/${name}`, import.meta.url))
const decode = (bytes: Uint8Array, frame = 0) => renderFrame(readDicom(bytes), frame, 'file')

const EXPLICIT = '1.2.840.10008.1.2.1'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const RLE = '1.2.840.10008.1.2.5'
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50'
const JPEG_2000 = '1.2.840.10008.1.2.4.90'

type Value = number | string | Uint8Array

/** An explicit little-endian element; numbers are US, texts of the given type, bytes OB or of undefined length. */
function element(group: number, number: number, value: Value, vr = 'US', undefinedLength = false): Buffer {
  const body =
    typeof value === 'number'
      ? Buffer.from(Uint16Array.of(value).buffer)
      : Buffer.from(typeof value === 'string' ? value + ' '.repeat(value.length % 2) : value)
  const long = vr === 'OB' || vr === 'OW'
  const head = Buffer.alloc(long ? 12 : 8)
  head.writeUInt16LE(group, 0)
  head.writeUInt16LE(number, 2)
  head.write(vr, 4, 'latin1')
  if (long) head.writeUInt32LE(undefinedLength ? 0xffffffff : body.length, 8)
  else head.writeUInt16LE(body.length, 6)
  return Buffer.concat([head, body])
}

interface Overrides {
  syntax?: string
  rows?: number
  columns?: number
  frames?: string
  bits?: [allocated: number, stored: number]
  photometric?: string
  samples?: number
  pixels?: Buffer
}

/** A file as `Overrides` wants it; by default 8-bit grey, 4 x 2. */
function dicomFile(overrides: Overrides, deflate = (body: Buffer): Buffer => body): Uint8Array {
  const { syntax = EXPLICIT, rows = 2, columns = 4, frames = '1', bits = [8, 8] } = overrides
  const { photometric = 'MONOCHROME2', samples = 1 } = overrides
  const { pixels = element(0x7fe0, 0x10, new Uint8Array(rows * columns), 'OB') } = overrides
  const body = Buffer.concat([
    element(0x28, 0x02, samples),
    element(0x28, 0x04, photometric, 'CS'),
    element(0x28, 0x08, frames, 'IS'),
    element(0x28, 0x10, rows),
    element(0x28, 0x11, columns),
    element(0x28, 0x100, bits[0]),
    element(0x28, 0x101, bits[1]),
    element(0x28, 0x102, bits[1] - 1),
    element(0x28, 0x103, 0),
    pixels,
  ])
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(2, 0x10, syntax, 'UI'),
    deflate(body),
  ])
}

/** Encapsulated pixel data: an empty offset table, the fragments, and the end. */
function encapsulated(fragments: readonly Uint8Array[]): Buffer {
  const items = [new Uint8Array(0), ...fragments].map((fragment) => {
    const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0])
    head.writeUInt32LE(fragment.length, 4)
    return Buffer.concat([head, fragment])
  })
  const end = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0])
  return element(0x7fe0, 0x10, Buffer.concat([...items, end]), 'OB', true)
}

describe('files that are cut off', () => {
  const names = [
    ...[
      'plain12',
      'implicit',
      'big-endian',
      'deflated',
      'no-preamble',
      'enhanced',
      'voi-lut',
      'rgb',
      'float',
    ],
    ...['plain12-rle', 'plain12-j2k', 'plain12-jpeg-ls', 'plain12-jpeg-lossless', 'plain12-jpeg-progressive'],
    ...['plain12-htj2k', 'rgb-jpeg-baseline-422', 'frames-split', 'frames-extended'],
  ]

  it.each(names)('%s: refused wherever it ends', (name) => {
    const bytes = read(`${name}.dcm`)
    const whole = decode(bytes).data
    // The last 8 bytes of compressed files only say that nothing follows.
    const missable = bytes.length - 8
    for (let cut = 1; cut < bytes.length; cut += 1 + Math.floor(bytes.length / 50)) {
      const part = bytes.subarray(0, cut)
      if (cut < missable) expect(() => decode(part)).toThrow(Error)
      else {
        try {
          expect(decode(part).data).toEqual(whole)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }
    }
  })

  it('says how much is missing', () => {
    expect(() => decode(read('plain12.dcm').subarray(0, 900))).toThrow(
      /the file ends within its element \(7FE0,0010\): \d+ of 384 bytes are there/,
    )
    expect(() => decode(read('frames-split.dcm').subarray(0, 1300))).toThrow(
      /ends within fragment \d+ of its pixel data/,
    )
    // Cut between two elements of the header, and within one.
    expect(() => decode(read('plain12.dcm').subarray(0, 500))).toThrow(
      'it has no pixel data, though its header describes 16 x 12 pixels',
    )
    expect(() => decode(read('plain12.dcm').subarray(0, 301))).toThrow(
      'the file ends within its element (0008,0016), which begins at byte 274',
    )
  })
})

describe('headers that claim too much', () => {
  it('refuses sizes before taking memory', () => {
    const claim = (overrides: Overrides) => () =>
      decode(dicomFile({ pixels: element(0x7fe0, 0x10, new Uint8Array(16), 'OB'), ...overrides }))
    expect(claim({ rows: 65535, columns: 65535 })).toThrow('its header says 65535 x 65535 pixels')
    expect(claim({ rows: 0 })).toThrow('its header says 4 x 0 pixels')
    expect(claim({ rows: 10000, columns: 10000 })).toThrow(
      'has 16 bytes, where 1 x 10000 x 10000 pixels need 100000000',
    )
    expect(claim({ frames: '2000000000' })).toThrow('2000000000 x 2 x 4 pixels need 16000000000')
    expect(claim({ frames: 'many' })).toThrow('number of frames is "many", not a number')
    expect(claim({ bits: [1, 1] })).toThrow('its header says 1 bits a sample')
    expect(claim({ bits: [16, 17] })).toThrow('which cannot be')
    expect(claim({ photometric: 'CMYK' })).toThrow('"CMYK", where one of MONOCHROME1')
    expect(claim({ samples: 3 })).toThrow('its header says MONOCHROME2, and 3 samples a pixel')
  })

  it('does not inflate a bomb', () => {
    const bomb = dicomFile({ syntax: DEFLATED, pixels: Buffer.alloc(2 ** 30) }, (body) =>
      deflateRawSync(body),
    )
    expect(bomb.length).toBeLessThan(2 ** 21)
    expect(() => decode(bomb)).toThrow(`its deflated data set is larger than ${2 ** 29} bytes`)
  })

  it('refuses compressed frames that are of another size than the header says, or claim too much themselves', () => {
    const rle = dicomFile({
      syntax: RLE,
      rows: 16384,
      columns: 16384,
      pixels: encapsulated([Buffer.alloc(64)]),
    })
    expect(() => decode(rle)).toThrow('its RLE frame has 0 segments, where its header needs 1')
    const frame = (height: number, width: number): Buffer => {
      const head = Buffer.from('ffd8ffc0000b080000000001011100ffda0008010100003f00ffd9', 'hex')
      head.writeUInt16BE(height, 7)
      head.writeUInt16BE(width, 9)
      return head
    }
    const jpeg = (height: number, width: number) =>
      dicomFile({ syntax: JPEG_BASELINE, pixels: encapsulated([frame(height, width)]) })
    expect(() => decode(jpeg(65000, 65000))).toThrow('its compressed frame claims 65000 x 65000 pixels')
    expect(() => decode(jpeg(3, 4))).toThrow('4 x 3 pixels of 1 samples, where its header says 4 x 2 of 1')
  })

  it('refuses a JPEG 2000 frame with more tiles than it can hold', () => {
    const frame = Buffer.alloc(64)
    frame.writeUInt32BE(0xff4fff51, 0)
    frame.writeUInt16BE(41, 4)
    for (const [index, value] of [4, 2, 0, 0, 1, 1, 0, 0].entries()) frame.writeUInt32BE(value, 8 + 4 * index)
    expect(() => decode(dicomFile({ syntax: JPEG_2000, pixels: encapsulated([frame]) }))).toThrow(
      'claims 8 tiles',
    )
  })
})

describe('what we do not read', () => {
  it('names the transfer syntax', () => {
    expect(() => decode(dicomFile({ syntax: '1.2.840.10008.1.2.4.103' }))).toThrow(
      'its transfer syntax 1.2.840.10008.1.2.4.103 (MPEG-4 video) is not one we read',
    )
    expect(() => readDicomHeader(dicomFile({ syntax: '1.2.3' }))).toThrow('1.2.3 (private or unknown)')
  })

  it('says where syntax and pixels contradict each other', () => {
    expect(() => decode(dicomFile({ pixels: encapsulated([Buffer.alloc(8)]) }))).toThrow(
      'says Explicit VR Little Endian, but its pixels are encapsulated',
    )
    expect(() => decode(dicomFile({ syntax: RLE }))).toThrow(
      'says RLE Lossless, but its pixels are not encapsulated',
    )
  })

  it('refuses a file that only looks like DICOM', () => {
    const noise = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(400, 0x51)])
    expect(() => decode(noise)).toThrow(Error)
    expect(() => decode(Buffer.alloc(132))).toThrow(Error)
  })
})

describe('damaged frames', () => {
  it('misses a fragment', () => {
    const { bytes, pixels } = readDicom(read('frames-whole.dcm'))
    const cut = Buffer.from(bytes)
    const second = pixels.offset + 8 + 8 + cut.readUInt32LE(pixels.offset + 12)
    const third = second + 8 + cut.readUInt32LE(second + 4)
    const missing = Buffer.concat([cut.subarray(0, second), cut.subarray(third)])
    expect(() => decode(missing)).toThrow(
      'its header says 3 frames, its pixel data has 2 fragments: some are missing',
    )
  })

  it('turns decoder errors into text, and decodes the next frame as if nothing had been', () => {
    for (const name of [
      'plain12-j2k',
      'plain12-jpeg-ls',
      'plain12-jpeg-lossless',
      'rgb-jpeg-baseline-444',
      'plain12-htj2k',
    ]) {
      const good = read(`${name}.dcm`)
      const whole = storedValues(readDicom(good))
      // Behind the offset table, the fragment's head and the first marker segment.
      const start = readDicom(good).pixels.offset + 16 + 40
      let failures = 0
      for (let at = start; at < good.length - 12; at += 23) {
        const bad = Uint8Array.from(good)
        bad.set([0xff, 0x91], at)
        try {
          decode(bad)
        } catch (error) {
          expect((error as Error).message).toMatch(/^its compressed frame /)
          failures++
        }
        expect(storedValues(readDicom(good))).toEqual(whole)
      }
      expect(failures).toBeGreaterThan(0)
    }
  })

  it('refuses RLE segments that are too short, or lie elsewhere', () => {
    const segment = (offset: number, runs: number[]): Buffer => {
      const frame = Buffer.alloc(64 + runs.length)
      frame.writeUInt32LE(1, 0)
      frame.writeUInt32LE(offset, 4)
      frame.set(runs, 64)
      return frame
    }
    const rle = (frame: Buffer) => decode(dicomFile({ syntax: RLE, pixels: encapsulated([frame]) }))
    expect([...rle(segment(64, [0xfd, 7, 0x03, 1, 2, 3, 4])).data]).toEqual(
      [7, 7, 7, 7, 1, 2, 3, 4].map((v) => v * 257),
    )
    expect(() => rle(segment(64, [0xfd, 7, 0x02, 1, 2, 3]))).toThrow('is cut off: 7 of 8 pixels are there')
    expect(() => rle(segment(64, [0x07, 1, 2, 3]))).toThrow('is cut off: 0 of 8')
    expect(() => rle(segment(9999, [0]))).toThrow('segment 0 of its RLE frame lies outside of it')
  })
})
