import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDicom, renderFrame, storedValues } from '../data/formats/dicom/index.js'
import { DataError } from '../errors.js'
import {
  labelCodes,
  Maker,
  newUid,
  parametricMap,
  readCodes,
  readSource,
  secondaryCapture,
  uidFrom,
  type LabelHeatmap,
} from './index.js'
import { decimalString } from './write.js'

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url)))
const source = () => readSource(fixture('dicom-objects/source.dcm'), 'source.dcm')
const maker = () => new Maker({ algorithm: { name: 'a', version: '1', parameters: [] } })

describe('codes', () => {
  const codes = labelCodes()

  test('of public labels are found whatever their spelling', () => {
    for (const label of ['Effusion', 'Pleural Effusion', 'pleural_effusion', 'Pleural-effusion'])
      expect(codes(label), label).toMatchObject({ value: '60046008', scheme: 'SCT' })
  })

  test('of other labels are private, short enough and different', () => {
    expect(codes('Lung Opacity')).toEqual({
      value: 'LUNG_OPACITY',
      scheme: '99PLURAD',
      meaning: 'Lung Opacity',
    })
    const long = ['Enlarged Cardiomediastinum', 'Enlarged Cardiomediastinal outline', '肺炎', '结核'].map(
      codes,
    )
    expect(new Set(long.map(({ value }) => value)).size).toBe(4)
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (label) => {
        expect(codes(label).value).toMatch(/^[A-Z0-9_]{1,16}$|^\d+$/)
      }),
    )
  })

  test('of a user come first', () => {
    const given = readCodes('label,code,scheme,meaning\nEffusion,RID34539,RADLEX,pleural effusion\n', 'a.csv')
    expect(labelCodes(given)('effusion')).toEqual({
      value: 'RID34539',
      scheme: 'RADLEX',
      meaning: 'pleural effusion',
    })
    expect(labelCodes(given)('Pneumonia').value).toBe('233604007')
  })

  test.each([
    ['label,code\nA,1\n', /a\.csv has no column scheme and no meaning/],
    ['label,code,scheme,meaning\nA,1,SCT,\n', /line 2: an empty value/],
    ['label,code,scheme,meaning\nA,1,SCT,a\nB,12345678901234567,SCT,b\n', /line 3: the code .* more than 16/],
    ['label,code,scheme,meaning\nA,1,SCT,a\na ,2,SCT,b\n', /line 3: a second code for a/],
  ])('that cannot be are refused: %j', (text, message) => {
    expect(() => readCodes(text, 'a.csv')).toThrow(message)
  })
})

describe('values', () => {
  test('UIDs are 2.25. and a UUID as a number', () => {
    // Python: d = hashlib.sha256(b'plurad').hexdigest()[:32] with digit 12 '8' and digit 16 of 8, 9, a, b; int(d, 16)
    expect(uidFrom('plurad')).toBe('2.25.246122522209461510551040244474621893339')
    for (const uid of [newUid(), newUid(), uidFrom('')]) expect(uid).toMatch(/^2\.25\.[1-9]\d{30,38}$/)
    expect(newUid()).not.toBe(newUid())
  })

  test('decimal strings have 16 characters at most and stay close', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e300, max: 1e300, noNaN: true }), (value) => {
        const text = decimalString(value)
        expect(text.length).toBeLessThanOrEqual(16)
        expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(1e-8 * Math.abs(value))
      }),
    )
  })
})

describe('the source image', () => {
  test('says whose it is, in UTF-8', () => {
    expect(source()).toMatchObject({
      studyInstanceUid: '1.2.3.4',
      seriesInstanceUid: '1.2.3.4.5',
      sopInstanceUid: '1.2.3.4.5.1',
      patientAndStudy: {
        PatientName: 'Müller^Jörg',
        StudyDescription: 'Thorax über Bett',
        StudyTime: '101112.5',
      },
      spacing: [0.5, 0.25],
      timezone: '+0530',
    })
  })

  test('is DICOM, or refused', () => {
    expect(() => readSource(new TextEncoder().encode('PNG, perhaps'), 'a.png')).toThrow(DataError)
    expect(() => readSource(new Uint8Array(0), 'a.png')).toThrow(/a\.png is no DICOM image/)
  })

  test('does not pass on what is no date or too long', () => {
    const bytes = Buffer.from(fixture('dicom-objects/source.dcm'))
    bytes.write('19xx0102', bytes.indexOf('19700102'), 'latin1')
    expect(readSource(bytes, 'a').patientAndStudy['PatientBirthDate']).toBe('')
  })
})

test('times are those of the time zone of the source', () => {
  const at = new Maker({
    algorithm: { name: '', version: '', parameters: [] },
    now: new Date('2026-01-31T20:15:30Z'),
  })
  expect(at.timestamp({ timezone: '+0530' })).toEqual({ date: '20260201', time: '014530' })
  expect(at.timestamp({ timezone: '-0100' })).toEqual({ date: '20260131', time: '191530' })
})

describe('heat maps', () => {
  const heatmap = (shape: number[], values: number[]): LabelHeatmap => ({
    ...{ label: 'Effusion', probability: 0.5, method: 'grad-cam' },
    shape,
    values: Float32Array.from(values),
  })
  const image = () => renderFrame(readDicom(fixture('dicom-objects/source.dcm')), 0, 'full')

  test('are blended with the image: nothing where the map is 0, 60 % of dark red where it is 1', () => {
    const options = { source: source(), frame: 0, image: image() }
    const pixels = (values: number[]): number[] =>
      Array.from(
        storedValues(readDicom(secondaryCapture(maker(), { ...options, heatmap: heatmap([1, 1], values) }))),
      )
    const cold = pixels([0])
    expect(cold.slice(0, 9)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
    expect(cold).toHaveLength(8 * 12 * 3)
    // 0.4 * 95 + 0.6 * 255 * (0.5, 0, 0)
    expect(pixels([1]).slice(-3)).toEqual([115, 38, 38])
  })

  test('lie over the image as a whole', () => {
    const map = heatmap([1, 2], [0, 1])
    const capture = readDicom(
      secondaryCapture(maker(), { source: source(), frame: 0, image: image(), heatmap: map }),
    )
    const row = Array.from(storedValues(capture)).slice(0, 36)
    // Up to the centre of the left cell, a quarter of the width, the image shows as it is.
    expect(row.slice(0, 9)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
    expect(row.slice(-3)).toEqual([Math.round(0.4 * 11 + 76.5), 4, 4])
  })

  test('keep their numbers in a parametric map', () => {
    const values = [0, 0.1, 0.25, 0.5, 0.75, 1]
    const bytes = parametricMap(maker(), { source: source(), frame: 0, heatmap: heatmap([2, 3], values) })
    expect(Array.from(storedValues(readDicom(bytes)))).toEqual(Array.from(Float32Array.from(values)))
  })

  test('that are none are refused', () => {
    const make = (map: LabelHeatmap) => () =>
      parametricMap(maker(), { source: source(), frame: 0, heatmap: map })
    expect(make(heatmap([2, 2], [0, 1]))).toThrow(/\[2, 2\] with 2 values/)
    expect(make(heatmap([1, 2], [0, 1.5]))).toThrow(/the value 1\.5/)
    expect(make(heatmap([1, 2], [0, NaN]))).toThrow(/the value NaN/)
  })
})
