import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { countsOf, DatasetFolder } from '../../../test/dataset-folder.js'
import { openDataset } from './open.js'

const folder = new DatasetFolder()

const table = [
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position',
  '1_0.png,Mass,0,1,50,M,PA',
  '2_0.png,No Finding,0,2,50,M,PA',
  '3_0.png,Edema,0,3,50,M,PA',
  '4_0.png,Hernia,0,4,50,M,PA',
].join('\n')

const images = { 'images/1_0.png': '', 'images/2_0.png': '', 'images/3_0.png': '', 'images/4_0.png': '' }
const official = { 'train_val_list.txt': '1_0.png\n2_0.png\n', 'test_list.txt': '3_0.png\n4_0.png' }
const chexnet = {
  'chexnet_train_list.txt': '1_0.png 0 0 0\r\n3_0.png 0 1 0\r\n',
  'chexnet_val_list.txt': '2_0.png\n\n',
  'chexnet_test_list.txt': '4_0.png\n',
}

const splitsOf = async (settings: Record<string, unknown> = {}) =>
  (await folder.open(settings)).samples.map(({ split }) => split)

it('reads the sex under the name that either table gives it', async () => {
  for (const header of [table, table.replace('Patient Gender', 'Patient Sex')]) {
    await folder.put({ 'Data_Entry_2017.csv': header, ...images })
    expect((await folder.open({})).samples.map(({ metadata }) => metadata.sex)).toEqual(['M', 'M', 'M', 'M'])
  }
})

describe("nih's splits", () => {
  it("takes the lists that are there: NIH's own or CheXNet's", async () => {
    await folder.put({ 'Data_Entry_2017.csv': table, ...images })
    expect(await splitsOf()).toEqual([undefined, undefined, undefined, undefined])
    await folder.put(official)
    expect(await splitsOf()).toEqual(['train', 'train', 'test', 'test'])
    expect(await splitsOf({ split: 'none' })).toEqual([undefined, undefined, undefined, undefined])
    expect(await folder.refusal({ split: 'chexnet' })).toMatch(/Expected chexnet_train_list\.txt/)
  })

  it('never mixes the two', async () => {
    await folder.put({ 'Data_Entry_2017.csv': table, ...images, ...official, ...chexnet })
    expect(await folder.refusal()).toMatch(
      /17,920 images of the official test list are in the CheXNet train list/,
    )
    expect(await splitsOf({ split: 'official' })).toEqual(['train', 'train', 'test', 'test'])
    expect(await splitsOf({ split: 'chexnet' })).toEqual(['train', 'val', 'train', 'test'])
  })

  it("tells CheXNet's test_list.txt from NIH's by the lists beside it", async () => {
    await folder.put({
      'Data_Entry_2017.csv': table,
      ...images,
      'train_list.txt': chexnet['chexnet_train_list.txt'],
      'val_list.txt': chexnet['chexnet_val_list.txt'],
      'test_list.txt': chexnet['chexnet_test_list.txt'],
    })
    expect(await splitsOf()).toEqual(['train', 'val', 'train', 'test'])
    expect(await folder.refusal({ split: 'official' })).toMatch(/are missing. Expected test_list\.txt/)
  })

  it('reads lists from another folder, and leaves out images of no list', async () => {
    const { 'test_list.txt': _, ...rest } = official
    await folder.put({ 'Data_Entry_2017.csv': table, ...images })
    await folder.put(
      Object.fromEntries(
        Object.entries({ ...rest, 'test_list.txt': '4_0.png' }).map(([name, text]) => [
          `lists/${name}`,
          text,
        ]),
      ),
    )
    const dataset = await folder.open({ lists: 'lists' })
    expect(dataset.samples.map(({ image, split }) => [image, split])).toEqual([
      ['1_0.png', 'train'],
      ['2_0.png', 'train'],
      ['4_0.png', 'test'],
    ])
    expect(dataset.skipped).toMatchObject([
      { image: '3_0.png', reason: expect.stringMatching(/^in none of the lists.*row 4\)/) as string },
    ])
    // No image is missing, so that there is nothing to be strict about.
    expect((await folder.open({ lists: 'lists' }, { strict: true })).samples).toHaveLength(3)
  })

  it('refuses lists that share an image', async () => {
    await folder.put({
      'Data_Entry_2017.csv': table,
      ...images,
      ...official,
      'test_list.txt': '2_0.png\n4_0.png',
    })
    expect(await folder.refusal()).toMatch(
      /1 images stand in two lists, such as 2_0\.png in train_val_list\.txt/,
    )
  })

  it('does without images where nobody asks for them', async () => {
    await folder.put({ 'Data_Entry_2017.csv': table })
    const { samples } = await folder.open({}, { requireImages: false, images: join(folder.path, 'x') })
    expect(samples.map(({ path }) => path)).toEqual(samples.map(({ image }) => join(folder.path, 'x', image)))
  })
})

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url)),
  'labels',
)
const entries = join(real, 'Data_Entry_2017_v2020.csv.gz')
const present = existsSync(entries)

describe.skipIf(!present)(`NIH's 112,120 rows${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  const open = (split: string) => openDataset(entries, { requireImages: false, settings: { split } })
  const sizes = async (split: string) => {
    const { samples } = await open(split)
    return ['train', 'val', 'test'].map((name) => samples.filter((sample) => sample.split === name).length)
  }

  it('count as published, in both splits', async () => {
    const dataset = await open('none')
    expect(dataset.samples).toHaveLength(112120)
    expect(new Set(dataset.samples.map(({ patient }) => patient)).size).toBe(30805)
    // Wang et al. 2017 and the archive's README; Hernia is the rarest.
    expect(countsOf(dataset, 'Infiltration')[0]).toBe(19894)
    expect(countsOf(dataset, 'Hernia')[0]).toBe(227)
    expect(dataset.samples.filter(({ labels }) => !labels.includes(1))).toHaveLength(60361)
    // By Python's csv and hashlib from the same file: every cell of every row is right.
    expect(dataset.fingerprint).toBe('f28847622e2924adc73c5fe24d3043e74ec3eee85536b9272b8148ec15419a7f')
    expect(await sizes('official')).toEqual([86524, 0, 25596])
    expect(await sizes('chexnet')).toEqual([78468, 11219, 22433])
    await expect(open('auto')).rejects.toThrow(/17,920/)
  })

  it("have the radiologists' labels of the expert table", async () => {
    const dataset = await openDataset(join(real, 'google2019_nih-chest-xray-labels.csv.gz'), {
      requireImages: false,
    })
    expect(dataset.labels).toEqual(['Fracture', 'Pneumothorax', 'Airspace opacity', 'Nodule or mass'])
    expect(dataset.samples).toHaveLength(4376)
    // Counted with Python's csv.
    expect(dataset.labels.map((label) => countsOf(dataset, label)[0])).toEqual([186, 238, 2166, 605])
    expect(dataset.samples.filter(({ split }) => split === 'val')).toHaveLength(2414)
    expect(dataset.samples.filter(({ split }) => split === 'test')).toHaveLength(1962)
  })
})
