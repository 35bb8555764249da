import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset.js'
import { splitDataset } from '../split.js'
import { openDataset } from './open.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-rfmid-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(files: Record<string, string>) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

const HEADER = 'ID,Disease_Risk,DR,MH,RP'
const train = `${HEADER}\n1,1,1,0,0\n2,0,0,0,0\n`
const val = `${HEADER}\n1,1,0,1,0\n`
const test = `${HEADER}\n1,1,1,1,0\n`

const seen = ({ samples }: Dataset) =>
  samples.map(({ image, path, labels, split }) => [
    image,
    path.slice(folder.length + 1),
    labels.join(''),
    split,
  ])

describe('rfmid', () => {
  it('reads the tables and folders of the three splits, in which numbers begin anew', async () => {
    await put({ 'train_labels.csv': train, 'val_labels.csv': val, 'test_labels.csv': test })
    await put({ 'train/1.png': '', 'train/2.png': '', 'val/1.png': '', 'test/1.png': '' })
    const dataset = await openDataset(folder)
    expect(dataset.labels).toEqual(['DR', 'MH'])
    expect(dataset.notes).toEqual(['No image has RP: left out (data.set.empty: keep to have them).'])
    expect(seen(dataset)).toEqual([
      ['train/1', 'train/1.png', '10', 'train'],
      ['train/2', 'train/2.png', '00', 'train'],
      ['val/1', 'val/1.png', '01', 'val'],
      ['test/1', 'test/1.png', '11', 'test'],
    ])
    const all = await openDataset(folder, { settings: { disease_risk: true, empty: 'keep' } })
    expect(all.labels).toEqual(['Disease_Risk', 'DR', 'MH', 'RP'])
    expect(all.samples[0]?.labels).toEqual([1, 1, 0, 0])
    expect((await openDataset(folder, { labels: ['RP', 'MH'] })).samples[2]?.labels).toEqual([0, 1])
    await expect(openDataset(folder, { labels: ['MHX'] })).rejects.toThrow(
      /no label "MHX".*Did you mean "MH"/,
    )
  })

  it('reads the layout of its publication', async () => {
    const at = ['Training_Set/Training_Set', 'Evaluation_Set/Evaluation_Set', 'Test_Set/Test_Set']
    await put({
      [`${at[0]}/RFMiD_Training_Labels.csv`]: train,
      [`${at[0]}/Training/1.png`]: '',
      [`${at[0]}/Training/2.png`]: '',
      [`${at[1]}/RFMiD_Validation_Labels.csv`]: val,
      [`${at[1]}/Validation/1.png`]: '',
      [`${at[2]}/RFMiD_Testing_Labels.csv`]: test,
      [`${at[2]}/Test/1.png`]: '',
    })
    const dataset = await openDataset(folder)
    expect(seen(dataset)).toEqual([
      ['train/1', `${at[0]}/Training/1.png`, '10', 'train'],
      ['train/2', `${at[0]}/Training/2.png`, '00', 'train'],
      ['val/1', `${at[1]}/Validation/1.png`, '01', 'val'],
      ['test/1', `${at[2]}/Test/1.png`, '11', 'test'],
    ])
  })

  it('opens one table by its path, without a split', async () => {
    await put({ 'somewhere/labels.csv': train, 'somewhere/1.png': '', 'somewhere/2.png': '' })
    const dataset = await openDataset(join(folder, 'somewhere/labels.csv'))
    expect(dataset.samples.map(({ image, split }) => [image, split])).toEqual([
      ['1', undefined],
      ['2', undefined],
    ])
  })

  it('skips missing images, and refuses tables that differ, and cells that are no labels', async () => {
    await put({ 'train_labels.csv': train, 'val_labels.csv': val, 'train/1.png': '', 'val/1.png': '' })
    const { skipped } = await openDataset(folder)
    expect(skipped).toEqual([
      { image: 'train/2', reason: `no such file (${join(folder, 'train_labels.csv')}, row 3)` },
    ])
    await put({ 'val_labels.csv': val.replace(',RP', ',XX') })
    await expect(openDataset(folder)).rejects.toThrow(
      /val_labels\.csv: no column "RP", other than .*train_labels/,
    )
    await put({ 'val_labels.csv': val.replace('1,1,0', '1,1,9') })
    await expect(openDataset(folder)).rejects.toThrow(/row 2, column "DR": unknown label value "9"/)
  })
})

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url)),
  'rfmid-64px',
)
const present = existsSync(real)

describe.skipIf(!present)(`1,540 real photographs${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  it('have the official splits and 37 labels, 13 of which one image has', async () => {
    const dataset = await openDataset(real)
    const count = (split: string) => dataset.samples.filter((sample) => sample.split === split).length
    expect(['train', 'val', 'test'].map(count)).toEqual([949, 295, 296])
    expect(new Set(dataset.samples.map(({ image }) => image)).size).toBe(1540)
    expect(dataset.skipped).toEqual([])
    expect(dataset.labels).toHaveLength(37)
    expect(dataset.labels).not.toContain('HR')
    const positives = dataset.labels.map(
      (_, label) => dataset.samples.filter(({ labels }) => labels[label] === 1).length,
    )
    expect(positives.filter((each) => each === 1)).toHaveLength(13)
    // Counted with Python's csv module.
    expect(Object.fromEntries(dataset.labels.map((label, index) => [label, positives[index]]))).toMatchObject(
      {
        DR: 632,
        MH: 523,
        ODC: 445,
        TSLN: 304,
        VH: 4,
        CL: 1,
      },
    )
  })

  it('keep that split, and can be split anew', async () => {
    const dataset = await openDataset(real)
    expect(splitDataset(dataset)).toEqual(dataset.samples.map(({ split }) => split))
    const samples = dataset.samples.map((sample) => ({ ...sample, split: undefined }))
    const anew = splitDataset({ labels: dataset.labels, samples })
    const trained = (label: number) =>
      anew.some((split, row) => split === 'train' && samples[row]?.labels[label] === 1)
    expect(dataset.labels.every((_, label) => trained(label))).toBe(true)
  })
})
