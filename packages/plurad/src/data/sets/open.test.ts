import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataError } from '../../errors.js'
import type { Dataset } from '../dataset.js'
import type { OpenOptions } from './adapter.js'
import { parseAge, parseSex } from './metadata.js'
import { NIH_LABELS } from './nih.js'
import { openDataset } from './open.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-set-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Files by path; opening a data set reads no image, so empty ones do. */
async function put(files: Record<string, string>) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

async function message(options?: OpenOptions, location = folder): Promise<string> {
  const error: unknown = await openDataset(location, options).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DataError)
  return (error as Error).message
}

const columnOf = (dataset: Dataset, label: string) =>
  dataset.samples.map((sample) => sample.labels[dataset.labels.indexOf(label)])

const NIH_HEADER =
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position'

describe('nih', () => {
  const table = [
    `${NIH_HEADER},OriginalImage[Width,Height],`,
    '1_0.png,Cardiomegaly|Hernia,0,1,058Y,M,PA,100,100,',
    '1_1.png,No Finding,1,1,59,M,AP,100,100,',
    '2_0.png,Effusion,0,2,414,F,PA,100,100,',
  ].join('\r\n')

  it('reads the layout on disk, with several image folders and the official lists', async () => {
    await put({
      'Data_Entry_2017_v2020.csv': table,
      'images_001/images/1_0.png': '',
      'images_001/images/1_1.png': '',
      'images_002/images/2_0.png': '',
      'test_list.txt': '2_0.png\n',
      'train_val_list.txt': '1_0.png\n1_1.png\n',
    })
    const dataset = await openDataset(folder)
    expect(dataset.labels).toEqual(NIH_LABELS)
    expect(dataset.samples.map(({ path }) => path)).toEqual([
      join(folder, 'images_001/images/1_0.png'),
      join(folder, 'images_001/images/1_1.png'),
      join(folder, 'images_002/images/2_0.png'),
    ])
    expect(dataset.samples.map(({ patient }) => patient)).toEqual(['1', '1', '2'])
    expect(dataset.samples.map(({ split }) => split)).toEqual(['train', 'train', 'test'])
    expect(dataset.samples.map(({ metadata }) => metadata)).toEqual([
      { age: 58, sex: 'M', view: 'PA' },
      { age: 59, sex: 'M', view: 'AP' },
      { age: null, sex: 'F', view: 'PA' },
    ])
    expect(columnOf(dataset, 'Cardiomegaly')).toEqual([1, 0, 0])
    expect(columnOf(dataset, 'Hernia')).toEqual([1, 0, 0])
    expect(columnOf(dataset, 'Effusion')).toEqual([0, 0, 1])
    expect(dataset.skipped).toEqual([])
  })

  it('skips missing images, unless strict; all missing is an error that says where it looked', async () => {
    await put({ 'Data_Entry_2017.csv': table, 'images/1_0.png': '' })
    const dataset = await openDataset(folder)
    expect(dataset.samples).toHaveLength(1)
    expect(dataset.skipped.map(({ image }) => image)).toEqual(['1_1.png', '2_0.png'])
    expect(dataset.skipped[0]?.reason).toMatch(/no such file \(.*Data_Entry_2017\.csv, row 3\)/)
    expect(await message({ strict: true })).toMatch(
      /2 of the 3 images are missing, such as "1_1\.png", "2_0\.png"/,
    )
    await rm(join(folder, 'images/1_0.png'))
    expect(await message()).toContain(join(folder, 'images'))
  })

  it.each([
    ['Efusion', /row 2, column "Finding Labels": unknown label "Efusion".*Did you mean "Effusion"/],
    ['Mass|', /row 2, column "Finding Labels": an empty label in "Mass\|"/],
    ['', /an empty label/],
    ['Mass|No Finding', /"Mass\|No Finding" names findings and "No Finding" at once/],
  ])('refuses the findings %j', async (findings, expected) => {
    await put({ 'Data_Entry_2017.csv': `${NIH_HEADER}\na.png,${findings},0,1,50,M,PA\n`, 'images/a.png': '' })
    expect(await message()).toMatch(expected)
  })

  it('keeps chosen labels in the chosen order, and takes further ones', async () => {
    const findings = `${NIH_HEADER}\na.png,Mass|Pneumoperitoneum|Edema,0,1,50,M,PA\n`
    await put({ 'Data_Entry_2017.csv': findings, 'images/a.png': '' })
    expect(await message()).toContain('unknown label "Pneumoperitoneum"')
    const dataset = await openDataset(folder, { labels: ['Pneumoperitoneum', 'Hernia', 'Mass'] })
    expect(dataset.labels).toEqual(['Pneumoperitoneum', 'Hernia', 'Mass'])
    expect(dataset.samples[0]?.labels).toEqual([1, 0, 1])
  })

  it('names a missing column, and asks which of two tables', async () => {
    await put({
      'Data_Entry_2017.csv': 'Image Index,Finding Labels,PatientID\na.png,Mass,1\n',
      'images/a.png': '',
    })
    expect(await message()).toMatch(/no column "Patient ID".*Did you mean "PatientID"/)
    await put({ 'Data_Entry_2017_v2020.csv': table })
    expect(await message()).toMatch(/2 tables, "Data_Entry_2017\.csv", "Data_Entry_2017_v2020\.csv"/)
  })
})

describe('csv', () => {
  it('finds image, label, patient, split, age, sex and view columns', async () => {
    await put({
      'labels.csv':
        'image_id,Patient,Age,Sex,View,Split,Mass,Rare finding,width,note\n' +
        'a.png,p1,50,female,PA,Train,1,,512,x\nsub/b.jpg,p2,,M,,valid,0.0,1.0,512,y\nc,,300,,,,nan,0,1024,\n',
      'a.png': '',
      'sub/b.jpg': '',
      'images/c.png': '',
      'images/c.txt': '',
      'images/c.tif': '',
    })
    const dataset = await openDataset(folder)
    expect(dataset.labels).toEqual(['Mass', 'Rare finding'])
    expect(dataset.samples.map(({ labels }) => labels)).toEqual([
      [1, null],
      [0, 1],
      [null, 0],
    ])
    expect(dataset.samples.map(({ patient }) => patient)).toEqual(['p1', 'p2', null])
    expect(dataset.samples.map(({ split }) => split)).toEqual(['train', 'val', undefined])
    expect(dataset.samples.map(({ metadata }) => metadata)).toEqual([
      { age: 50, sex: 'F', view: 'PA' },
      { age: null, sex: 'M', view: null },
      { age: null, sex: null, view: null },
    ])
    expect(dataset.samples.map(({ path }) => path)).toEqual(
      ['a.png', 'sub/b.jpg', 'images/c.png'].map((at) => join(folder, at)),
    )
  })

  it('opens a table by its own path, with columns and folder named', async () => {
    await put({ 'x/t.tsv': 'scan\twho\tMass\tHernia\tcount\n1.png\tA\t1\t0\t1\n', 'pictures/1.png': '' })
    const dataset = await openDataset(join(folder, 'x/t.tsv'), {
      settings: { image_column: 'scan', patient_column: 'who', label_columns: ['Mass', 'Hernia'] },
      labels: ['Hernia'],
      images: join(folder, 'pictures'),
    })
    expect(dataset).toMatchObject({ name: 't', labels: ['Hernia'] })
    expect(dataset.samples[0]).toMatchObject({
      patient: 'A',
      labels: [0],
      path: join(folder, 'pictures/1.png'),
    })
  })

  it.each([
    ['image,Mass\na,1\nb,-1\n', {}, /row 3, column "Mass": unknown label value "-1".*uncertain/],
    ['image,Mass\na,1\nb,0\nc,yes\n', {}, /row 4, column "Mass": unknown label value "yes".*Expected 1/],
    ['image,Mass\na,2\n', { labels: ['Mass'] }, /row 2, column "Mass": unknown label value "2"/],
    ['image,Mass\na,1\na,1\n', {}, /row 3, column "image": "a" also stands in row 2, with the same labels/],
    ['image,Mass\na,1\na,\n', {}, /with different labels: "Mass" is 1 and then blank/],
    ['image,Mass\na,1\n,0\n', {}, /row 3, column "image": empty/],
    ['scan,Mass\na,1\n', {}, /no image column. Its columns are "scan", "Mass"/],
    ['image,name\na,x\n', {}, /no label columns. Its columns are "image", "name"/],
    ['image,Mass\na,1\n', { labels: ['Mas'] }, /no column "Mas".*Did you mean "Mass"/],
    [
      'image,Mass,Edema\na,1,0\n',
      { settings: { label_columns: ['Mass'] }, labels: ['Edema'] },
      /no label "Edema"\. There are "Mass"/,
    ],
    ['image,Mass\na,1\n', { adapter: 'nhi' }, /No data set adapter "nhi".*Did you mean "nih"/],
    [
      'image,Mass,split\na,1,trian\n',
      {},
      /row 2, column "split": unknown split "trian".*Did you mean "train"/,
    ],
  ])('refuses %j with %j', async (table, options: OpenOptions, expected) => {
    await put({ 'labels.csv': table, 'a.png': '', 'b.png': '', 'c.png': '' })
    expect(await message(options)).toMatch(expected)
  })

  it('leaves out columns that are plainly no labels', async () => {
    const rows = Array.from({ length: 200 }, (_, index) => `${index}.png,${index % 5},${index % 2},${index}`)
    await put({
      't.csv': `image,fold,Mass,\n${rows.join('\n')}`.replace('Mass,\n', 'Mass,row\n'),
      '0.png': '',
    })
    expect((await openDataset(folder)).labels).toEqual(['Mass'])
  })

  it('says what a folder without a table holds, and suggests a near name', async () => {
    expect(await message()).toContain('no table found; it is empty')
    await put({ 'notes.md': '' })
    expect(await message()).toContain('it holds "notes.md"')
    expect(await message({}, join(folder, 'notes.md'))).toContain('expected a folder, or a table')
    await put({ 'a.csv': 'x', 'b.csv': 'y' })
    expect(await message()).toContain('2 tables, "a.csv", "b.csv"')
    expect(await message({}, join(folder, 'note.md'))).toContain(
      'no such file or folder. Did you mean "notes.md"?',
    )
  })
})

describe('fingerprint', () => {
  it('follows labels and rows, not the place', async () => {
    await put({
      'one/t.csv': 'image,Mass\na.png,1\n',
      'two/t.csv': 'image,Mass\na.png,1\n',
      'three/t.csv': 'image,Mass\na.png,0\n',
      'four/t.csv': 'image,mass\na.png,1\n',
    })
    const prints = await Promise.all(
      ['one', 'two', 'three', 'four'].map(async (name) => {
        await writeFile(join(folder, name, 'a.png'), '')
        return (await openDataset(join(folder, name))).fingerprint
      }),
    )
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(prints[1]).toBe(prints[0])
    expect(new Set(prints).size).toBe(3)
  })
})

describe('metadata', () => {
  it('takes ages in years, months, weeks and days, and drops the impossible', () => {
    expect(['58', '058Y', '58.0', '006M', '414Y', '', 'old', '-3'].map(parseAge)).toEqual([
      58,
      58,
      58,
      0.5,
      null,
      null,
      null,
      null,
    ])
    expect(['F', 'female', 'M', 'Male', 'O', '', '1'].map(parseSex)).toEqual([
      'F',
      'F',
      'M',
      'M',
      null,
      null,
      null,
    ])
  })
})

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url)),
  'nih1000-64px',
)
const present = existsSync(real)

describe.skipIf(!present)(`1,000 real radiographs${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  it('counts patients and labels as known', async () => {
    const dataset = await openDataset(real)
    expect(dataset.samples).toHaveLength(1000)
    expect(new Set(dataset.samples.map(({ patient }) => patient)).size).toBe(264)
    const positives = (label: string) => columnOf(dataset, label).filter((value) => value === 1).length
    expect(positives('Effusion')).toBe(170)
    expect(positives('Hernia')).toBe(9)
    expect(dataset.samples.filter(({ labels }) => !labels.includes(1))).toHaveLength(499)
  })
})
