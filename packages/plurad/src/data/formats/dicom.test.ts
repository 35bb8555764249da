import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { WindowChoice } from '../preprocessing.js'
import { decodeImage, decodeImageBytes } from './decode.js'
import {
  modalityValues,
  readDicom,
  readDicomHeader,
  renderFrame,
  storedValues,
  voiValues,
} from './dicom/index.js'
import { imageFormats } from './registry.js'

const fixtures = new URL('../../../test/fixtures/dicom/', import.meta.url)
const json = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8')) as T
const read = (name: string): Uint8Array => readFileSync(new URL(`files/${name}`, fixtures))
const image = (name: string, window: WindowChoice = 'file', part: string | null = null) =>
  decodeImageBytes(read(name), name, { window, part })

/** All values by their SHA-256 (little endian), and some of them in the clear. */
interface Summary {
  sha256: string
  sample: number[]
}

interface GreyFrame {
  frame: number
  window: WindowChoice
  stored: Summary
  /** Brightness in 0..1 before the inversion of MONOCHROME1, every 13th pixel. */
  voi: number[]
  modality?: number[]
  image: Summary
}

interface ColourFrame {
  frame: number
  bits: 8 | 16
  rgb: Summary & { all?: number[] }
  /** Of lossy codecs, whose decoders may round differently. */
  tolerance?: number
}

interface File {
  frames?: (GreyFrame | ColourFrame)[]
  float_image?: Summary
  stored_within?: { values: number[]; tolerance: number }
}

const files = json<Record<string, File>>('dicom.json')

function expectSummary(values: Uint8Array | Uint16Array | Int32Array, expected: Summary, step: number): void {
  expect([...values].filter((_, index) => index % step === 0)).toEqual(expected.sample)
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.sha256)
}

const furthest = (expected: number[], found: ArrayLike<number>, step: number): number =>
  expected.reduce((most, value, index) => Math.max(most, Math.abs(value - found[step * index])), 0)

const cases = Object.entries(files).flatMap(([name, { frames = [] }]) =>
  frames.map((frame) => ({ name, frame, title: `${name}#${frame.frame}` })),
)

describe('files made for this test, against pydicom and dcmtk', () => {
  it.each(cases.flatMap(({ frame, ...rest }) => ('stored' in frame ? [{ ...rest, frame }] : [])))(
    '$title, window $frame.window',
    async ({ name, frame }) => {
      const file = readDicom(read(name))
      expectSummary(Int32Array.from(storedValues(file, frame.frame)), frame.stored, 13)
      if (frame.modality !== undefined)
        expect(furthest(frame.modality, modalityValues(file, frame.frame), 13)).toBeLessThan(1e-9)
      expect(furthest(frame.voi, voiValues(file, frame.frame, frame.window), 13)).toBeLessThan(1e-12)
      const { data, ...rest } = await image(name, frame.window, String(frame.frame))
      expect(rest).toMatchObject({ width: 16, height: 12, channels: 1, maxValue: 65535 })
      expectSummary(data, frame.image, 13)
    },
  )

  it.each(cases.flatMap(({ frame, ...rest }) => ('rgb' in frame ? [{ ...rest, frame }] : [])))(
    '$title, colour',
    async ({ name, frame }) => {
      const { data, ...rest } = await image(name)
      const maxValue = frame.bits === 8 ? 255 : 65535
      expect(rest).toMatchObject({ width: 16, height: 12, channels: 3, maxValue })
      if (frame.rgb.all === undefined) expectSummary(data, frame.rgb, 13)
      else expect(furthest(frame.rgb.all, data, 1)).toBeLessThanOrEqual(frame.tolerance ?? 0)
    },
  )

  it('stretches floating point pixels from the least to the greatest, without padding and NaN', async () => {
    const { data } = await image('float.dcm')
    const expected = files['float.dcm'].float_image
    if (expected === undefined) throw new Error('dicom.json has no float.dcm')
    expectSummary(data, expected, 13)
    expect([...data.subarray(0, 2), ...data.subarray(16, 20)]).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('decodes lossy high-throughput JPEG 2000 as OpenJPH does, but for rounding', () => {
    const expected = files['plain12-htj2k-lossy.dcm'].stored_within
    if (expected === undefined) throw new Error('dicom.json has no plain12-htj2k-lossy.dcm')
    const values = storedValues(readDicom(read('plain12-htj2k-lossy.dcm')))
    expect(furthest(expected.values, values, 1)).toBeLessThanOrEqual(expected.tolerance)
  })

  it('is told apart from every other format by its first bytes', () => {
    for (const name of readdirSync(new URL('files/', fixtures))) {
      const head = read(name).subarray(0, 512)
      expect(imageFormats.filter((format) => format.matches(head)).map((format) => format.name)).toEqual([
        'DICOM',
      ])
    }
  })
})

describe('frames and windows that are asked for', () => {
  it('reads the first frame unless another is named', async () => {
    expect((await image('frames.dcm')).data).toEqual((await image('frames.dcm', 'file', '0')).data)
    expect((await image('frames.dcm')).data).not.toEqual((await image('frames.dcm', 'file', '2')).data)
  })

  it('says what there is, where a frame or window does not exist', async () => {
    await expect(image('frames.dcm', 'file', '3')).rejects.toThrow(
      'frames.dcm: it has 3 frames, and number 3 (from 0) is asked for',
    )
    await expect(image('frames.dcm', 'file', 'left')).rejects.toThrow('"left" is asked for, where the number')
    await expect(image('signed12.dcm', { preset: 2 })).rejects.toThrow(
      'it has 2 windows, and number 2 (from 0)',
    )
  })

  it('makes padding black, whether low values are black or white', async () => {
    for (const name of ['padding.dcm', 'padding-monochrome1.dcm']) {
      const { data } = await image(name)
      for (let row = 0; row < 12; row++) {
        expect([
          ...data.subarray(16 * row, 16 * row + 3),
          ...data.subarray(16 * row + 14, 16 * row + 16),
        ]).toEqual([0, 0, 0, 0, 0])
      }
    }
  })
})

describe('warnings', () => {
  it('tells when most pixels are outside of the window', async () => {
    expect((await image('signed12.dcm', { center: 3000, width: 10 })).warning).toMatch(
      /^(99|100) % of its pixels are outside of the window$/,
    )
    expect((await image('signed12.dcm', 'full')).warning).toBeUndefined()
  })

  it('tells when there is no window in a file of more than 8 bits', async () => {
    expect((await image('ten-bits.dcm')).warning).toContain('it has no window')
    expect((await image('ten-bits.dcm', 'full')).warning).toBeUndefined()
    expect((await image('monochrome1.dcm')).warning).toBeUndefined()
  })

  it('tells when Hounsfield units are asked of something else, and when header and frame disagree', async () => {
    expect((await image('plain12.dcm', 'lung')).warning).toContain(
      '"lung" is in Hounsfield units, its modality is DX',
    )
    expect((await image('rgb-jpeg-mislabelled.dcm')).warning).toContain(
      'the header says RGB, its frames say YCBCR',
    )
  })
})

describe('header', () => {
  it('gives what tables and archives need', () => {
    expect(readDicomHeader(read('enhanced.dcm'))).toEqual({
      transferSyntaxUid: '1.2.840.10008.1.2.1',
      sopInstanceUid: '1.2.3.4',
      seriesInstanceUid: '1.2.3.1',
      studyInstanceUid: '1.2.3',
      patientId: 'P-7',
      patientAge: '045Y',
      patientSex: 'F',
      modality: 'DX',
      viewPosition: 'PA',
      photometricInterpretation: 'MONOCHROME2',
      rows: 12,
      columns: 16,
      bitsStored: 12,
      numberOfFrames: 2,
    })
  })

  it('reads it from the first kilobyte as well, and in every syntax', () => {
    const whole = readDicomHeader(read('plain12.dcm'))
    expect(readDicomHeader(read('plain12.dcm').subarray(0, 600))).toEqual(whole)
    for (const name of ['implicit', 'big-endian', 'deflated']) {
      const { transferSyntaxUid, ...rest } = readDicomHeader(read(`${name}.dcm`))
      expect(transferSyntaxUid).toMatch(/^1\.2\.840\.10008\.1\.2/)
      expect(rest).toMatchObject({ patientId: 'P-7', rows: 12, modality: 'CT' })
    }
    expect(readDicomHeader(read('no-preamble.dcm'))).toMatchObject({
      transferSyntaxUid: null,
      patientId: 'P-7',
    })
  })

  it('reads patient ids in the file’s character set, past types that are newer than the parser', () => {
    expect(readDicomHeader(read('new-types.dcm'))).toMatchObject({
      patientId: 'Ärztin-№7',
      patientAge: '011M',
    })
  })
})

interface PublicFile {
  header: object
  stored: Summary
  voi: number[]
  image: Summary
}

const data =
  process.env['PLURAD_DATA'] ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url))
const hasData = existsSync(`${data}/dicom`)
if (!hasData) console.warn(`${data}/dicom is not there: the public DICOM files are not tested`)

describe.skipIf(!hasData)('public files, against pydicom and dcmtk', () => {
  const known = json<Record<string, PublicFile>>('public.json')

  it.each(Object.keys(known))('%s', (name) => {
    const { header, stored, voi, image } = known[name]
    const file = readDicom(readFileSync(`${data}/dicom/${name}`))
    expect(file.header).toMatchObject(header)
    const values = Int32Array.from(storedValues(file))
    const step = Math.floor(values.length / 20)
    expectSummary(values, stored, step)
    // The larger ones would take seconds to decode three times.
    if (values.length < 2 ** 20) expect(furthest(voi, voiValues(file), step)).toBeLessThan(1e-12)
    expectSummary(renderFrame(file, 0, 'file').data, image, step)
  })

  it('has the same pixels in every lossless syntax', () => {
    const lossless = Object.entries(known).filter(([name]) =>
      /ct-.*(Endian|Lossless|RLE|Process14)/.test(name),
    )
    expect(lossless).toHaveLength(9)
    expect(new Set(lossless.map(([, { stored }]) => stored.sha256)).size).toBe(1)
  })

  it('says of a report that it has no pixels', async () => {
    await expect(decodeImage(`${data}/dicom/no-pixel-data.dcm`)).rejects.toThrow(
      'it has no pixel data (its modality is SR)',
    )
  })
})
