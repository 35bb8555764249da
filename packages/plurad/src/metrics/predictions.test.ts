import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError } from '../errors.js'
import { readPredictions, writePredictions, type Predictions } from './predictions.js'

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-predictions-'))
  file = join(folder, 'test.csv')
})
afterAll(() => rm(folder, { recursive: true }))

const small: Predictions = {
  labels: ['Mass', 'Opacity, "ground glass"'],
  images: ['a.png', 'b,c.png'],
  patients: ['17', null],
  scores: Float64Array.of(0.1, 1, 1e-7, 0.30000001192092896),
  truth: Float64Array.of(1, NaN, 0, 1),
}

describe('writePredictions', () => {
  it('writes what the run folder promises', async () => {
    await writePredictions(file, small)
    expect(await readFile(file, 'utf8')).toBe(
      'image,patient,Mass,"Opacity, ""ground glass""",Mass:true,"Opacity, ""ground glass"":true"\n' +
        'a.png,17,0.1,1,1,\n' +
        '"b,c.png",,1e-7,0.30000001192092896,0,1\n',
    )
    expect(await readdir(folder)).toEqual(['test.csv'])
  })

  it('refuses what could not be read back, and leaves the old file alone', async () => {
    await writePredictions(file, small)
    const bad = { ...small, scores: Float64Array.of(0, 0, 0, 1.5) }
    await expect(writePredictions(file, bad)).rejects.toThrow(/row 3, column 'Opacity.*' is '1\.5'/)
    await expect(writePredictions(file, { ...small, images: ['a', 'a'] })).rejects.toThrow(
      "row 3: the image 'a'",
    )
    await expect(writePredictions(file, { ...small, patients: [] })).rejects.toThrow(DataError)
    expect(await readPredictions(file)).toEqual(small)
    expect(await readdir(folder)).toEqual(['test.csv'])
  })
})

describe('readPredictions', () => {
  it('gives back every bit that was written', async () => {
    const names = { minLength: 1, maxLength: 3, selector: (name: string) => name }
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    const predictions = fc
      .tuple(fc.uniqueArray(name, names), fc.uniqueArray(name, { ...names, minLength: 0 }))
      .chain(([labels, images]) => {
        const size = { minLength: labels.length * images.length, maxLength: labels.length * images.length }
        return fc.record({
          labels: fc.constant(labels),
          images: fc.constant(images),
          patients: fc.constant(images.map((image, i) => (i % 2 ? null : image))),
          scores: fc.float64Array({ min: 0, max: 1, noNaN: true, ...size }),
          truth: fc.array(fc.constantFrom(0, 1, NaN), size).map((values) => Float64Array.from(values)),
        })
      })
    await fc.assert(
      fc.asyncProperty(predictions, async (written) => {
        await writePredictions(file, written)
        expect(await readPredictions(file)).toEqual(written)
      }),
      { numRuns: 50 },
    )
  })

  it('reads labels that end as truth columns do, and a byte order mark', async () => {
    await writeFile(file, '\uFEFFimage,patient,A,A:true,A:true,A:true:true\r\nx,1,0.5,0.25,1,0\r\n')
    const { labels, scores, truth } = await readPredictions(file)
    expect([labels, [...scores], [...truth]]).toEqual([
      ['A', 'A:true'],
      [0.5, 0.25],
      [1, 0],
    ])
  })

  it.each([
    ['nothing', '', 'is empty'],
    ['another first column', 'file,patient,A,A:true\n', "row 1, column 1 is 'file', not 'image'"],
    ['an unpaired column', 'image,patient,A\n', 'row 1 has 3 columns'],
    [
      'truths in another order',
      'image,patient,A,B,B:true,A:true\n',
      "row 1, column 5 is 'B:true': expected 'A:true'",
    ],
    ['a label twice', 'image,patient,A,A,A:true,A:true\n', "the label 'A' occurs twice"],
    ['a short row', 'image,patient,A,A:true\nx,1,0.5\n', 'row 2 has 3 cells: expected 4'],
    ['a blank score', 'image,patient,A,A:true\nx,1,0.5,1\ny,1,,1\n', "row 3, column 'A' is ''"],
    [
      'a logit',
      'image,patient,A,A:true\nx,1,-2.5,1\n',
      "row 2, column 'A' is '-2.5': expected a probability",
    ],
    [
      'another truth',
      'image,patient,A,A:true\nx,1,0.5,-1\n',
      "row 2, column 'A:true' is '-1': expected 1, 0 or blank",
    ],
    ['an image twice', 'image,patient,A,A:true\nx,1,0.5,1\nx,1,0.5,1\n', "row 3: the image 'x' occurs twice"],
  ])('says where it found %s', async (_, text, message) => {
    await writeFile(file, text)
    await expect(readPredictions(file)).rejects.toThrow(DataError)
    await expect(readPredictions(file)).rejects.toThrow(message)
    await expect(readPredictions(file)).rejects.toThrow(file)
  })

  it('says that a file is missing', async () => {
    await expect(readPredictions(join(folder, 'none.csv'))).rejects.toThrow(
      /Cannot read predictions from .*none\.csv/,
    )
  })
})
