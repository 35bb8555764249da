import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DataError } from '../../errors.js'
import type { LabelStatistics } from '../head.js'
import { cooccurrenceVectors } from './cooccurrence.js'
import { symmetricEigen } from './jacobi.js'
import { makeLabelVectors } from './label-vectors.js'
import { wordsOf } from './prompt.js'
import { labelVectorSettings } from './settings.js'
import { vectorsFromWords } from './word-file.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-vectors-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const close = (
  actual: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  digits = 8,
): void => {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length))
  expected.forEach((row, i) => row.forEach((value, j) => expect(actual[i][j]).toBeCloseTo(value, digits)))
}

describe('symmetricEigen', () => {
  test("gives numpy.linalg.eigh's values and vectors", () => {
    const { values, vectors } = symmetricEigen([
      [4, 1, -2, 0.5],
      [1, 2, 0, 1],
      [-2, 0, 3, -2],
      [0.5, 1, -2, -1],
    ])
    close([values], [[6.189719950978819, 2.2941653520957535, -2.0868138899211925, 1.6029285868466172]], 10)
    close(vectors, [
      [0.7175116397, 0.2311571604, -0.6072531643, 0.250972127],
      [0.3128743479, 0.7255743965, 0.6047842747, -0.0994355001],
      [0.09309742, -0.2396585025, 0.3850896527, 0.886342277],
      [0.6153206967, -0.6022225208, 0.3423237282, -0.3761953493],
    ])
  })

  test('the parts make the matrix again, and stand at right angles', () => {
    const matrices = fc.integer({ min: 1, max: 8 }).chain((n) =>
      fc.array(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: n, maxLength: n }), {
        minLength: n,
        maxLength: n,
      }),
    )
    fc.assert(
      fc.property(matrices, (rows) => {
        const matrix = rows.map((row, i) => row.map((value, j) => (value + rows[j][i]) / 2))
        const { values, vectors } = symmetricEigen(matrix)
        const again = matrix.map((row, i) =>
          row.map((_, j) => values.reduce((sum, value, k) => sum + value * vectors[k][i] * vectors[k][j], 0)),
        )
        close(again, matrix, 9)
        vectors.forEach((a, i) =>
          vectors.forEach((b, j) =>
            expect(a.reduce((sum, x, k) => sum + x * b[k], 0)).toBeCloseTo(i === j ? 1 : 0, 9),
          ),
        )
      }),
      { numRuns: 60 },
    )
  })
})

const statistics: LabelStatistics = {
  images: 100,
  known: [100, 100, 100, 100],
  positives: [50, 30, 10, 0],
  together: [
    [50, 25, 4, 0],
    [25, 30, 6, 0],
    [4, 6, 10, 0],
    [0, 0, 0, 0],
  ],
}

describe('co-occurrence', () => {
  test("gives numpy's truncated SVD of the mutual information, a label without examples too", () => {
    const { labels, prompt } = cooccurrenceVectors(statistics, null)
    close(labels, [
      [0, 0.243010567, 0.835939686, 0.492088107],
      [0, 0.705088819, 0.644361687, -0.296053667],
      [0, 0.944033676, -0.320451774, 0.078173392],
      [1, 0, 0, 0],
    ])
    expect(prompt).toEqual(labels)
    close(cooccurrenceVectors(statistics, 2).labels, [
      [0, 1],
      [0, 1],
      [0, 1],
      [1, 0],
    ])
  })

  test('knows one label, and none that ever occurs', () => {
    const single = cooccurrenceVectors({ images: 10, known: [10], positives: [4], together: [[4]] }, null)
    expect(single.labels).toEqual([[1]])
    const never = {
      images: 3,
      known: [0, 0],
      positives: [0, 0],
      together: [
        [0, 0],
        [0, 0],
      ],
    }
    expect(cooccurrenceVectors(never, null).labels.flat().every(Number.isFinite)).toBe(true)
  })
})

describe('word vectors from a file', () => {
  const lines = ['the 1 1', 'of 0 0', 'pleural 1 0', 'Thickening 0 1', 'mass 3 4', 'unused 9 9']
  const labels = ['Pleural_Thickening', 'MassLesion']

  test.each<[string, string, Buffer]>([
    ['GloVe', 'glove.txt', Buffer.from(`${lines.join('\n')}\n`)],
    ['word2vec with its first line', 'w2v.txt', Buffer.from(`6 2\n${lines.join(' \n')} \n`)],
    ['compressed', 'glove.txt.gz', gzipSync(lines.join('\n'))],
  ])('%s: means of words, unknown ones listed', async (_name, name, content) => {
    const file = join(folder, name)
    writeFileSync(file, content)
    const { vectors, unknown } = await vectorsFromWords(file, 'glove', labels)
    expect(vectors.labels).toEqual([
      [0.5, 0.5],
      [3, 4],
    ])
    expect(vectors.prompt).toEqual([
      [1, 1],
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 1],
      [3, 4],
    ])
    expect(unknown).toEqual(['categories', 'image', 'are', 'lesion'])
    const made = await makeLabelVectors(
      labelVectorSettings.parse({ source: 'glove', file }),
      labels,
      statistics,
    )
    expect(made.notes.join()).toContain('does not know categories, image, are, lesion')
  })

  test('what is wrong is named', async () => {
    const file = join(folder, 'x.txt')
    writeFileSync(file, lines.join('\n'))
    await expect(vectorsFromWords(file, 'glove', ['Mass', 'Hernia', 'Cyst'])).rejects.toThrow(
      /has no word of the labels Hernia, Cyst\./,
    )
    writeFileSync(file, 'the 1 2\nmass 1\n')
    await expect(vectorsFromWords(file, 'glove', ['Mass'])).rejects.toThrow(
      /line 2 has 1 numbers, expected 2/,
    )
    await expect(vectorsFromWords(join(folder, 'none'), 'glove', ['Mass'])).rejects.toThrow(/ENOENT/)
    await expect(vectorsFromWords(join(folder, 'none.gz'), 'glove', ['Mass'])).rejects.toThrow(DataError)
  })

  test('names become words', () => {
    expect(wordsOf('Pleural_Thickening')).toEqual(['pleural', 'thickening'])
    expect(wordsOf('EnlargedCardiomediastinum (mild)/ÖDEM')).toEqual([
      'enlarged',
      'cardiomediastinum',
      'mild',
      'ödem',
    ])
  })
})
