import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataError, RecipeError } from '../../errors.js'
import type { Dataset } from '../dataset.js'
import { splitDataset } from '../split.js'
import { openDataset } from './open.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-odir-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(files: Record<string, string>) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

const LONG =
  'ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,' +
  'Normal ,Diabetes,Glaucoma,Cataract,Age related Macular Degeneration ,Hypertension,Pathological Myopia,' +
  'Other diseases/abnormalities'
const SHORT = LONG.replace(/Normal .*/, 'N,D,G,C,A,H,M,O')

/** Five patients: the fourth has lost its left eye, the fifth both. */
const rows = [
  '0,69,Female,0_left.jpg,0_right.jpg,cataract,normal fundus,0,0,0,1,0,0,0,0',
  '1,57,Male,1_left.jpg,1_right.jpg,normal fundus,"lens dust，normal fundus",1,0,0,0,0,0,0,0',
  '2,1,Male,2_left.jpg,2_right.jpg,"laser spot，mild nonproliferative retinopathy",low image quality,0,1,0,0,0,0,0,1',
  '3,50,Female,3_left.jpg,3_right.jpg,glaucoma,suspected glaucoma,0,0,1,0,0,0,0,0',
  '4,50,Male,4_left.jpg,4_right.jpg,drusen,drusen,0,0,0,0,0,0,0,1',
]
const table = [LONG, ...rows].join('\r\n')
const files = ['0_left', '0_right', '1_left', '1_right', '2_left', '2_right', '3_right']
const photographs = Object.fromEntries(files.map((name) => [`images/${name}.jpg`, '']))

const letters = ({ labels }: Dataset, values: readonly (0 | 1 | null)[]): string =>
  labels.filter((_, index) => values[index] === 1).join('') +
  labels
    .filter((_, index) => values[index] === null)
    .join('')
    .toLowerCase()
const labelled = (dataset: Dataset): Record<string, string> =>
  Object.fromEntries(dataset.samples.map(({ image, labels }) => [image, letters(dataset, labels)]))

describe('patients', () => {
  it('have both eyes as one sample, and the labels of the table', async () => {
    await put({ 'annotations.csv': table, ...photographs })
    const dataset = await openDataset(folder)
    const at = (name: string) => join(folder, 'images', `${name}.jpg`)
    expect(dataset.samples.map(({ image, path, also }) => [image, path, also])).toEqual([
      ['0', at('0_left'), [at('0_right')]],
      ['1', at('1_left'), [at('1_right')]],
      ['2', at('2_left'), [at('2_right')]],
      ['3', at('3_right'), ['']],
    ])
    expect(labelled(dataset)).toEqual({ 0: 'C', 1: 'N', 2: 'DO', 3: 'G' })
    expect(dataset.samples.map(({ metadata }) => metadata)).toEqual([
      { age: 69, sex: 'F', view: 'both' },
      { age: 57, sex: 'M', view: 'both' },
      { age: null, sex: 'M', view: 'both' },
      { age: 50, sex: 'F', view: 'right' },
    ])
    expect(dataset.skipped.map(({ image, reason }) => [image, /row \d/.exec(reason)?.[0]])).toEqual([
      ['4', 'row 6'],
      ['3_left.jpg', 'row 5'],
    ])
    await expect(openDataset(folder, { strict: true })).rejects.toThrow(/1 photographs are missing.*3_left/)
  })

  it('may leave unknown what only an eye without an image shows', async () => {
    const lost = { ...photographs }
    delete lost['images/0_left.jpg']
    delete lost['images/2_right.jpg']
    await put({ 'annotations.csv': table, ...lost })
    const dataset = await openDataset(folder, { settings: { missing_eye: 'unknown' } })
    expect(labelled(dataset)).toEqual({ 0: 'nc', 1: 'N', 2: 'DO', 3: 'G' })
    expect(dataset.notes).toBeUndefined()
    const kept = await openDataset(folder)
    expect(labelled(kept)).toEqual({ 0: 'C', 1: 'N', 2: 'DO', 3: 'G' })
    expect(kept.notes?.[0]).toMatch(/^1 patients have labels that only an eye without an image shows/)
  })
})

describe('eyes', () => {
  it('have the labels of their own keywords, and one patient', async () => {
    await put({ 'annotations.csv': table, ...photographs })
    const dataset = await openDataset(folder, { settings: { sample: 'eye' } })
    expect(labelled(dataset)).toEqual({
      '0_left.jpg': 'C',
      '0_right.jpg': 'N',
      '1_left.jpg': 'N',
      '1_right.jpg': 'N',
      '2_left.jpg': 'DO',
      '3_right.jpg': 'G',
    })
    expect(dataset.samples.map(({ patient, metadata }) => `${patient} ${metadata.view}`)).toEqual([
      '0 left',
      '0 right',
      '1 left',
      '1 right',
      '2 left',
      '3 right',
    ])
    expect(dataset.skipped.find(({ image }) => image === '2_right.jpg')?.reason).toMatch(
      /^no diagnosis: all that is said is "low image quality" .*row 4/,
    )
  })

  it('have unknown labels where keywords and table contradict each other', async () => {
    const wrong = table.replace('0,0,0,1,0,0,0,0', '0,0,0,0,1,0,0,0')
    await put({ 'annotations.csv': wrong, ...photographs })
    const dataset = await openDataset(folder, { settings: { sample: 'eye' } })
    expect(labelled(dataset)).toMatchObject({ '0_left.jpg': 'ca', '0_right.jpg': 'Nca', '1_left.jpg': 'N' })
  })
})

describe('findings', () => {
  it('are those with enough cases, or those asked for', async () => {
    await put({ 'annotations.csv': table, ...photographs })
    const settings = { sample: 'eye', labels: 'keywords', min_cases: 2 }
    expect((await openDataset(folder, { settings })).labels).toEqual(['normal fundus'])
    const all = await openDataset(folder, { settings: { ...settings, min_cases: 1 } })
    expect(all.labels).toEqual([
      'normal fundus',
      'cataract',
      'laser spot',
      'lens dust',
      'mild nonproliferative retinopathy',
      'suspected glaucoma',
    ])
    const chosen = await openDataset(folder, { settings, labels: ['glaucoma', 'drusen', 'laser spot'] })
    expect(chosen.samples.map(({ labels }) => labels)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 1],
      [null, 0, 0],
    ])
    const wrong = openDataset(folder, { settings, labels: ['laser spots'] })
    await expect(wrong).rejects.toThrow(/no label "laser spots".*Did you mean "laser spot"/)
    await expect(openDataset(folder, { settings: { ...settings, min_cases: 9 } })).rejects.toThrow(
      /min_cases/,
    )
  })
})

describe('copies', () => {
  it('with one row an eye and letters for the classes are read as one row a patient', async () => {
    const twice = [
      `${SHORT},filename`,
      `${rows[0]},0_right.jpg`,
      `${rows[0]},0_left.jpg`,
      `${rows[1]},1_left.jpg`,
    ]
    const at = 'ODIR-5K/Training Images'
    await put({ 'full_df.csv': twice.join('\n'), [`${at}/0_left.jpg`]: '', [`${at}/1_right.jpg`]: '' })
    const dataset = await openDataset(folder, { labels: ['C', 'N'] })
    expect(dataset.samples.map(({ image, labels }) => [image, labels])).toEqual([
      ['0', [1, 0]],
      ['1', [0, 1]],
    ])
    await put({ 'full_df.csv': [SHORT, rows[0], rows[1].replace(/^1/, '0')].join('\n') })
    const thrown: unknown = await openDataset(folder).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(DataError)
    expect((thrown as Error).message).toMatch(/row 3, column "ID": patient "0" also stands in row 2/)
  })

  it('refuse a setting that there is not', async () => {
    await put({ 'annotations.csv': table, ...photographs })
    const thrown: unknown = await openDataset(folder, { settings: { sample: 'eyes' } }).catch(
      (error: unknown) => error,
    )
    expect(thrown).toBeInstanceOf(RecipeError)
    expect((thrown as Error).message).toMatch(/sample.*"eyes".*Did you mean "eye"/)
  })
})

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url)),
  'odir5k-224px',
)
const present = existsSync(real)

describe.skipIf(!present)(`2,687 real patients${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  const positives = ({ labels, samples }: Dataset) =>
    Object.fromEntries(
      labels.map((label, index) => [label, samples.filter((sample) => sample.labels[index] === 1).length]),
    )

  it('have the labels of the table and 5,124 eyes, and are never split', async () => {
    const dataset = await openDataset(real)
    expect(dataset.samples).toHaveLength(2687)
    expect(new Set(dataset.samples.map(({ patient }) => patient)).size).toBe(2687)
    expect(dataset.samples.filter(({ also }) => also?.[0] === '')).toHaveLength(250)
    expect(dataset.skipped).toHaveLength(250)
    expect(dataset.notes?.[0]).toMatch(/^129 patients/)
    // Counted with Python's csv module.
    expect(positives(dataset)).toEqual({ N: 851, D: 903, G: 174, C: 159, A: 129, H: 87, M: 149, O: 710 })
    expect(dataset.samples.filter(({ metadata }) => metadata.age === null)).toHaveLength(14)
  })

  it('agree with the keywords of their eyes, every one of them', async () => {
    const dataset = await openDataset(real, { settings: { sample: 'eye' } })
    expect(dataset.samples).toHaveLength(5124)
    // A contradiction would be an unknown label.
    expect(dataset.samples.filter(({ labels }) => labels.includes(null))).toHaveLength(0)
    const assignment = splitDataset(dataset)
    const where = new Map<string | null, Set<string>>()
    dataset.samples.forEach(({ patient }, row) =>
      where.set(patient, (where.get(patient) ?? new Set()).add(assignment[row])),
    )
    expect(where.size).toBe(2687)
    expect([...where.values()].filter((splits) => splits.size > 1)).toHaveLength(0)
  })

  it('show 23 findings in 20 eyes or more', async () => {
    const dataset = await openDataset(real, { settings: { sample: 'eye', labels: 'keywords' } })
    const counts = positives(dataset)
    expect(dataset.labels).toHaveLength(23)
    expect(Math.min(...Object.values(counts))).toBe(23)
    expect(counts).toMatchObject({
      'normal fundus': 2269,
      'moderate non proliferative retinopathy': 775,
      'wet age-related macular degeneration': 38,
      'laser spot': 36,
      'branch retinal vein occlusion': 24,
      'proliferative diabetic retinopathy': 23,
    })
  })
})
