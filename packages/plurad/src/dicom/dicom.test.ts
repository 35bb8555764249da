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
  structuredReport,
  uidFrom,
  type CodedImage,
  type LabelHeatmap,
} from './index.js'
import { decimalString, writeDicom, type Dataset } from './write.js'

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url)))
const source = () => readSource(fixture('dicom-objects/source.dcm'), 'source.dcm')
const maker = () => new Maker({ algorithm: { name: 'a', version: '1', parameters: [] } })

const image = (modality: string, ...regions: string[]): CodedImage => ({ modality, regions })
const chest = image('CR', 'CHEST')

describe('codes', () => {
  const codes = labelCodes()

  test('of public labels are found whatever their spelling', () => {
    for (const label of ['Effusion', 'Pleural Effusion', 'pleural_effusion', 'Pleural-effusion'])
      expect(codes(label, chest), label).toMatchObject({ value: '60046008', scheme: 'SCT' })
  })

  test('of other labels are private, short enough and different', () => {
    expect(codes('Lung Opacity', chest)).toEqual({
      value: 'LUNG_OPACITY',
      scheme: '99PLURAD',
      meaning: 'Lung Opacity',
    })
    const long = ['Enlarged Cardiomediastinum', 'Enlarged Cardiomediastinal outline', '肺炎', '结核'].map(
      (label) => codes(label, chest),
    )
    expect(new Set(long.map(({ value }) => value)).size).toBe(4)
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (label) => {
        expect(codes(label, chest).value).toMatch(/^[A-Z0-9_]{1,16}$|^\d+$/)
      }),
    )
  })

  test.each([
    [chest, true],
    [image('DX'), true],
    [image('CT'), true],
    [image('CR', 'CHEST 1 VIEW', 'T-D3000 Chest'), true],
    [image('CT', '39607008 Lung structure'), true],
    [image('MR', 'Thorax'), true],
    // What knee, breast and spine have is no finding of the lung.
    [image('CR', 'KNEE'), false],
    [image('CR', 'Knee'), false],
    [image('MG', 'BREAST'), false],
    [image('CR', 'THORACIC SPINE'), false],
    [image('CT', 'CHESTABDOMEN'), false],
    [image('CT', 'CHEST', '818981001 Abdomen'), false],
    [image('MG'), false],
    [image('MR'), false],
    [image('OT'), false],
  ])("of words for several organs are the chest's where the file says so: %j", (shown, isChest) => {
    const words = ['Consolidation', 'Edema', 'Effusion', 'Emphysema', 'Fibrosis', 'Mass', 'Nodule']
    const schemes = new Set(words.map((label) => codes(label, shown).scheme))
    expect([...schemes]).toEqual([isChest ? 'SCT' : '99PLURAD'])
    if (!isChest) expect(codes('Mass', shown)).toEqual({ value: 'MASS', scheme: '99PLURAD', meaning: 'Mass' })
    // These name their organ themselves.
    for (const label of ['Pleural effusion', 'Lung mass', 'Cardiomegaly', 'Glaucoma'])
      expect(codes(label, shown).scheme, label).toBe('SCT')
  })

  test('of labels that JavaScript knows otherwise are private', () => {
    expect(codes('constructor', chest)).toMatchObject({ value: 'CONSTRUCTOR', scheme: '99PLURAD' })
  })

  test('of a user come first', () => {
    const given = readCodes('label,code,scheme,meaning\nEffusion,RID34539,RADLEX,pleural effusion\n', 'a.csv')
    expect(labelCodes(given)('effusion', image('CR', 'KNEE'))).toEqual({
      value: 'RID34539',
      scheme: 'RADLEX',
      meaning: 'pleural effusion',
    })
    expect(labelCodes(given)('Pneumonia', chest).value).toBe('233604007')
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

  test('says which part of the body it shows, whatever the spelling, and in which of its places', () => {
    expect(source().regions).toEqual(['CHEST'])
    const knee = Buffer.from(fixture('dicom-objects/source.dcm'))
    knee.write('Knee  ', knee.indexOf('CHEST '), 'latin1')
    expect(readSource(knee, 'knee.dcm')).toMatchObject({ bodyPart: null, regions: ['Knee'] })
    const regionsOf = (dataset: Dataset): readonly string[] =>
      readSource(
        writeDicom({
          SOPClassUID: '1.2.840.10008.5.1.4.1.1.1.1',
          SOPInstanceUID: '1.2.3',
          StudyInstanceUID: '1.2.4',
          SeriesInstanceUID: '1.2.5',
          Modality: 'DX',
          SamplesPerPixel: 1,
          PhotometricInterpretation: 'MONOCHROME2',
          Rows: 2,
          Columns: 2,
          BitsAllocated: 8,
          BitsStored: 8,
          HighBit: 7,
          PixelRepresentation: 0,
          PixelData: new ArrayBuffer(4),
          ...dataset,
        }),
        'a.dcm',
      ).regions
    const region = (CodeValue: string, CodeMeaning: string): Dataset => ({
      AnatomicRegionSequence: { CodeValue, CodingSchemeDesignator: 'SCT', CodeMeaning },
    })
    expect(regionsOf({})).toEqual([])
    expect(regionsOf(region('72696002', 'Knee'))).toEqual(['72696002 Knee'])
    const frames = { FrameAnatomySequence: region('51185008', 'Thorax') }
    expect(regionsOf({ SharedFunctionalGroupsSequence: frames })).toEqual(['51185008 Thorax'])
    expect(regionsOf({ PerFrameFunctionalGroupsSequence: [frames, frames] })).toEqual(['51185008 Thorax'])
  })

  test('decides the codes of its report', () => {
    const knee = Buffer.from(fixture('dicom-objects/source.dcm'))
    knee.write('KNEE  ', knee.indexOf('CHEST '), 'latin1')
    const [ofChest, ofKnee] = [fixture('dicom-objects/source.dcm'), knee].map((content) => {
      const findings = [{ label: 'Effusion', probability: 0.5, threshold: null }]
      const options = { source: readSource(content, 'a.dcm'), frame: 0, findings, codes: labelCodes() }
      return Buffer.from(structuredReport(maker(), options))
    })
    expect(ofChest.includes('Pleural effusion')).toBe(true)
    expect(ofKnee.includes('Pleural effusion')).toBe(false)
    expect(ofKnee.includes('EFFUSION')).toBe(true)
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
