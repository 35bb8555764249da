import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset.js'
import { splitDataset } from '../split.js'
import { openDataset } from './open.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-competition-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(files: Record<string, string>) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

const seen = ({ samples }: Dataset) =>
  samples.map(({ image, path, labels, split }) => [
    image,
    path.slice(folder.length + 1),
    labels.join(''),
    split,
  ])

describe('competition', () => {
  it('reads tables of training and validation labels with a folder each', async () => {
    await put({
      'train_labels.csv': 'id,class1,class2,class3\n1.png,1,0,1\n2.png,0,0,0\n',
      'val_labels.csv': 'id,class1,class2,class3\n1.png,0,1,0\n',
      'sample_submission.txt': 'id,class1,class2,class3\n7.png,0,0,0\n',
      'train_images/1.png': '',
      'train_images/2.png': '',
      'val_images/1.png': '',
      'test_images/7.png': '',
    })
    const dataset = await openDataset(folder)
    expect(dataset.labels).toEqual(['class1', 'class2', 'class3'])
    expect(seen(dataset)).toEqual([
      ['train/1.png', 'train_images/1.png', '101', 'train'],
      ['train/2.png', 'train_images/2.png', '000', 'train'],
      ['val/1.png', 'val_images/1.png', '010', 'val'],
    ])
    expect(dataset.notes?.[0]).toMatch(/1 images of sample_submission\.txt have no labels.*--submission/)
    // The test split comes from the training images.
    expect(splitDataset(dataset).filter((split) => split === 'val')).toHaveLength(1)
  })

  it('asks for the labels of the sample submission, by patient', async () => {
    await put({
      'train.csv': 'StudyID,Tube,Line,PatientID,Note\n17,1,0,p1,x\n18,0,,p2,y\n',
      'test.csv': 'StudyID\n30\n',
      'sample_submission.csv': 'StudyID,Line,Tube\n30,0,0\n',
      'train/17.jpg': '',
      'train/18.jpg': '',
    })
    const dataset = await openDataset(folder)
    expect(dataset.labels).toEqual(['Tube', 'Line'])
    expect(dataset.samples.map(({ image, patient, labels }) => [image, patient, labels])).toEqual([
      ['train/17', 'p1', [1, 0]],
      ['train/18', 'p2', [0, null]],
    ])
    expect((await openDataset(folder, { labels: ['Line'] })).samples[0]?.labels).toEqual([0])
  })

  it('finds images of all tables in one folder', async () => {
    await put({
      'train_labels.csv': 'id,a\n1,1\n',
      'val_labels.csv': 'id,a\n2,0\n',
      'images/1.png': '',
      'images/2.png': '',
    })
    expect(seen(await openDataset(folder))).toEqual([
      ['train/1', 'images/1.png', '1', 'train'],
      ['val/2', 'images/2.png', '0', 'val'],
    ])
  })

  it('refuses what is not there, and words that are no labels', async () => {
    await put({
      'train_labels.csv': 'id,a\n1,yes\n',
      'sample_submission.csv': 'id,a\n2,0\n',
      'train/1.png': '',
    })
    await expect(openDataset(folder)).rejects.toThrow(/row 2, column "a": unknown label value "yes"/)
    const settings = { id_column: 'di' }
    await expect(openDataset(folder, { settings })).rejects.toThrow(/no column "di".*Did you mean "id"/)
    await rm(join(folder, 'train_labels.csv'))
    await expect(openDataset(folder, { adapter: 'competition' })).rejects.toThrow(
      /no table of training labels/,
    )
  })
})
