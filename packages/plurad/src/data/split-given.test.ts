import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError, RecipeError } from '../errors.js'
import type { Dataset, Sample } from './dataset.js'
import { readGivenSplit } from './split-given.js'
import { writeFolds, writeLists, writeSplit } from './split-file.js'
import { assertPatientDisjoint, assignFolds, splitDataset, splitOfFold } from './split.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-given-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Two images a patient. */
const samples = Array.from({ length: 40 }, (_, row): Sample => ({
  image: `images/${row}.png`,
  path: `/data/images/${row}.png`,
  patient: `p${row >> 1}`,
  labels: [row % 5 === 0 ? 1 : 0],
  metadata: { age: null, sex: null, view: null },
}))
const dataset: Pick<Dataset, 'labels' | 'samples' | 'skipped'> = {
  labels: ['A'],
  samples,
  skipped: [{ image: 'gone.png', reason: 'no such file' }],
}

let folders = 0
async function place(files: Record<string, string | Buffer>): Promise<string> {
  const at = join(folder, String(folders++))
  await mkdir(at)
  for (const [name, content] of Object.entries(files)) await writeFile(join(at, name), content)
  return at
}

const names = (from: number, to: number) => samples.slice(from, to).map(({ image }) => image)
const lines = (...images: string[]) => images.map((image) => `${image}\n`).join('')

describe('readGivenSplit', () => {
  it('gives back what was written, as a table and as lists', async () => {
    const assignment = splitDataset(dataset, { seed: 5 })
    const at = await place({})
    await writeSplit(join(at, 'split.csv'), dataset, assignment)
    await writeLists(join(at, 'lists'), dataset, assignment)
    for (const path of [join(at, 'split.csv'), join(at, 'lists')])
      expect(await readGivenSplit(path, dataset)).toEqual({ assignment, unknown: 0 })
  })

  it('gives the split of a fold', async () => {
    const path = join(await place({}), 'folds.csv')
    const folds = assignFolds(dataset, { folds: 4 })
    await writeFolds(path, dataset, folds)
    for (const fold of [1, 4])
      expect((await readGivenSplit(path, dataset, { fold })).assignment).toEqual(splitOfFold(folds, fold))
    await expect(readGivenSplit(path, dataset)).rejects.toThrow(
      /holds 4 folds: say which with --fold .*1 to 4/,
    )
    await expect(readGivenSplit(path, dataset, { fold: 5 })).rejects.toThrow(/Fold 5: expected .* 1 to 4/)
  })

  it('keeps test of a file of folds for every fold', async () => {
    const path = join(await place({}), 'folds.csv')
    const folds = samples.map((_, row) => (row < 8 ? null : ((row >> 1) % 4) + 1))
    await writeFolds(path, dataset, folds)
    const { assignment } = await readGivenSplit(path, dataset, { fold: 1 })
    expect(assignment.slice(0, 8).every((split) => split === 'test')).toBe(true)
    expect(assignment.filter((split) => split === 'val')).toHaveLength(8)
  })

  it("reads NIH's lists, gzipped or not, and carves val from train_val by patient", async () => {
    const path = await place({
      'train_val_list.txt': lines(...names(0, 30)),
      'test_list.txt.gz': gzipSync(lines(...names(30, 40))),
      'readme.txt': 'not a list',
      'latest.txt': 'nor this',
    })
    const { assignment } = await readGivenSplit(path, dataset, { seed: 1 })
    expect(assignment.slice(30).every((split) => split === 'test')).toBe(true)
    expect(assignment.slice(0, 30)).not.toContain('test')
    // 0.1 of 0.8, of 30 rows
    expect(Math.abs(assignment.filter((split) => split === 'val').length - 3.75)).toBeLessThanOrEqual(2)
    assertPatientDisjoint(samples, assignment)
  })

  it('finds names without their folders, with labels behind them, and with CRLF', async () => {
    const path = await place({
      'chest_train_list.txt': names(0, 20)
        .map((name) => `${name.replace('images/', '')} 0 1 0\r\n`)
        .join(''),
      'chest_val_list.txt': names(20, 30)
        .map((name) => `C:\\data\\${name.replace('/', '\\')}\r\n`)
        .join(''),
      'chest_test_list.txt': lines(...names(30, 40)),
    })
    const { assignment, unknown } = await readGivenSplit(path, dataset)
    expect(unknown).toBe(0)
    expect(assignment).toEqual(samples.map((_, row) => (row < 20 ? 'train' : row < 30 ? 'val' : 'test')))
  })

  it('overrules the split of the data set itself', async () => {
    const path = await place({
      'train.txt': lines(...names(0, 20)),
      'val.txt': lines(...names(20, 30)),
      'test.txt': lines(...names(30, 40)),
    })
    const own = { ...dataset, samples: samples.map((sample) => ({ ...sample, split: 'test' as const })) }
    expect((await readGivenSplit(path, own)).assignment).toEqual(
      (await readGivenSplit(path, dataset)).assignment,
    )
  })

  it('names images in no list', async () => {
    const path = await place({ 'train.txt': lines(...names(0, 20)), 'test.txt': lines(...names(25, 40)) })
    await expect(readGivenSplit(path, dataset)).rejects.toThrow(
      /5 of the data set's 40 images are not in it, such as "images\/20.png", "images\/21.png", "images\/22.png"/,
    )
  })

  it('names images in two lists, with the lines', async () => {
    const path = await place({ 'train.txt': lines(...names(0, 20)), 'test.txt': lines(...names(19, 40)) })
    await expect(readGivenSplit(path, dataset)).rejects.toThrow(
      /1 images are in two places, such as "images\/19.png" \(test.txt, line 1 and train.txt, line 20\)/,
    )
  })

  it('names unknown images unless the data set is a part, and knows those that were skipped', async () => {
    const path = await place({
      'train.txt': lines(...names(0, 20), 'gone.png', 'typo.png'),
      'test.txt': lines(...names(20, 40)),
    })
    await expect(readGivenSplit(path, dataset)).rejects.toThrow(
      /1 of its 42 names are not in the data set, such as "typo.png" \(train.txt, line 22\).*--subset/,
    )
    expect((await readGivenSplit(path, dataset, { subset: true })).unknown).toBe(1)
  })

  it('hands a shared patient on, to be refused by name', async () => {
    const path = await place({
      'train.txt': lines(...names(0, 21)),
      'val.txt': lines(...names(21, 30)),
      'test.txt': lines(...names(30, 40)),
    })
    const { assignment } = await readGivenSplit(path, dataset)
    expect(() => assertPatientDisjoint(samples, assignment)).toThrow(/p10 \(train and val\).*--allow-leakage/)
  })

  it('refuses what is no split', async () => {
    const folds = 'image,fold\nimages/0.png,0\n'
    const refused: [
      Record<string, string>,
      string,
      number | null,
      typeof DataError | typeof RecipeError,
      RegExp,
    ][] = [
      [{ 'notes.txt': '' }, '', null, DataError, /no list such as train.txt/],
      [
        { 'train.txt': '', 'my_train_list.txt': '' },
        '',
        null,
        DataError,
        /"my_train_list.txt" and "train.txt" are both lists for train/,
      ],
      [{ 'train.txt': '' }, '', 2, RecipeError, /there is no fold 2/],
      [{}, 'nowhere.csv', null, DataError, /no such file or folder/],
      [{ 'train.txt': '' }, 'train.txt', null, DataError, /expected a table .*or a folder of lists/],
      [{ 's.csv': 'image,part\na,train\n' }, 's.csv', null, DataError, /no column "split"/],
      [{ 's.csv': 'image,split\na,train\n' }, 's.csv', 1, RecipeError, /has no fold column/],
      [{ 's.csv': folds }, 's.csv', 1, DataError, /row 2, column "fold": "0". Expected a number from 1 on/],
      [
        { 's.csv': 'image,split\nimages/0.png,dev\n' },
        's.csv',
        null,
        DataError,
        /"dev". Expected train, val or test/,
      ],
    ]
    for (const [files, name, fold, kind, message] of refused) {
      const reading = readGivenSplit(join(await place(files), name), dataset, { fold })
      await expect(reading).rejects.toThrow(kind)
      await expect(reading).rejects.toThrow(message)
    }
  })
})
