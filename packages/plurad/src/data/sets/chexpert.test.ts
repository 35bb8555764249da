import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { columnOf, countsOf, DatasetFolder } from '../../../test/dataset-folder.js'
import type { Dataset } from '../dataset.js'
import { CHEXPERT_LABELS } from './chexpert.js'
import { openDataset } from './open.js'
import { fillUncertain } from './uncertainty.js'

const folder = new DatasetFolder()

const HEADER = `Path,Sex,Age,Frontal/Lateral,AP/PA,${CHEXPERT_LABELS.join(',')}`

/** A row with the labels that are not blank. */
function row(
  path: string,
  about: string,
  labels: Partial<Record<(typeof CHEXPERT_LABELS)[number], string>>,
): string {
  return `CheXpert-v1.0-small/${path},${about},${CHEXPERT_LABELS.map((label) => labels[label] ?? '').join(',')}`
}

const train = [
  HEADER,
  row('train/patient00001/study1/view1_frontal.jpg', 'Female,68,Frontal,AP', {
    Edema: '-1.0',
    Cardiomegaly: '-1.0',
    'Pleural Effusion': '1.0',
  }),
  row('train/patient00001/study1/view2_lateral.jpg', 'Female,68,Lateral,', { Edema: '0.0' }),
  row('train/patient00002/study3/view1_frontal.jpg', 'Unknown,0,Frontal,PA', { 'No Finding': '1.0' }),
].join('\n')
const valid = [
  HEADER,
  row('valid/patient64541/study1/view1_frontal.jpg', 'Male,73,Frontal,AP', { Edema: '1.0' }),
].join('\n')

const images = {
  'train/patient00001/study1/view1_frontal.jpg': '',
  'train/patient00001/study1/view2_lateral.jpg': '',
  'train/patient00002/study3/view1_frontal.jpg': '',
  'valid/patient64541/study1/view1_frontal.jpg': '',
}

describe('chexpert', () => {
  it('reads both tables, the patient out of the path, whatever the folder is called', async () => {
    await folder.put({ 'train.csv': train, 'valid.csv': valid, ...images })
    const dataset = await folder.open()
    expect(dataset.labels).toEqual(CHEXPERT_LABELS)
    expect(dataset.samples.map(({ patient }) => patient)).toEqual([
      'patient00001',
      'patient00001',
      'patient00002',
      'patient64541',
    ])
    expect(dataset.samples.map(({ path }) => path)).toEqual(
      Object.keys(images).map((name) => join(folder.path, name)),
    )
    expect(dataset.samples.map(({ split }) => split)).toEqual(['train', 'train', 'train', 'val'])
    expect(dataset.samples.map(({ metadata }) => metadata)).toEqual([
      { age: 68, sex: 'F', view: 'AP' },
      { age: 68, sex: 'F', view: 'Lateral' },
      { age: 0, sex: null, view: 'PA' },
      { age: 73, sex: 'M', view: 'AP' },
    ])
    expect(columnOf(dataset, 'Edema')).toEqual([null, 0, 0, 1])
    expect(columnOf(dataset, 'No Finding')).toEqual([0, 0, 1, 0])
    expect((await folder.open({ valid: 'test' })).samples.at(-1)?.split).toBe('test')
    expect((await folder.open({ valid: 'none' })).samples).toHaveLength(3)
  })

  it('opens one table without a split, and filters rows', async () => {
    await folder.put({ 'train.csv': train, 'valid.csv': valid, ...images })
    const dataset = await folder.open({ where: { 'Frontal/Lateral': 'Frontal' } }, {}, 'train.csv')
    expect(dataset.samples.map(({ split }) => split)).toEqual([undefined, undefined])
    expect(await folder.refusal({ where: { 'AP/PA': ['PA', 'LL'] } }, {}, 'train.csv')).toMatch(
      /train\.csv, column "AP\/PA": no row has "LL".*"AP"/,
    )
  })

  it.each([
    ['u-ignore', [null, 0, 0], [null, 0, 0]],
    ['u-selftrained', [null, 0, 0], [null, 0, 0]],
    ['u-zeros', [0, 0, 0], [0, 0, 0]],
    ['u-ones', [1, 0, 0], [1, 0, 0]],
    ['mixed', [1, 0, 0], [0, 0, 0]],
    ['u-multiclass', [0, 0, 0], [0, 0, 0]],
  ])('%s', async (policy, edema, cardiomegaly) => {
    await folder.put({ 'train.csv': train, ...images })
    const dataset = await folder.open({ policy })
    expect(columnOf(dataset, 'Edema')).toEqual(edema)
    expect(columnOf(dataset, 'Cardiomegaly')).toEqual(cardiomegaly)
    expect(dataset.labels).toHaveLength(policy === 'u-multiclass' ? 27 : 14)
    if (policy === 'u-multiclass') expect(columnOf(dataset, 'Edema (uncertain)')).toEqual([1, 0, 0])
  })

  it('takes what is not mentioned for unknown where it is told to', async () => {
    await folder.put({ 'train.csv': train, ...images })
    const dataset = await folder.open({ policy: 'u-multiclass', blank: 'unknown' })
    expect(columnOf(dataset, 'Edema')).toEqual([0, 0, null])
    expect(columnOf(dataset, 'Edema (uncertain)')).toEqual([1, 0, null])
  })

  it('lists uncertain values for a teacher, who may fill them in', async () => {
    await folder.put({ 'train.csv': train, ...images })
    const dataset = await folder.open({ policy: 'u-selftrained' })
    const [edema, heart] = ['Edema', 'Cardiomegaly'].map((label) => dataset.labels.indexOf(label))
    expect([...(dataset.uncertain ?? [])].sort((a, b) => a[1] - b[1])).toEqual([
      [0, heart],
      [0, edema],
    ])
    const filled = fillUncertain(dataset, (_, label) => (label === edema ? 1 : null))
    expect(columnOf(filled, 'Edema')).toEqual([1, 0, 0])
    expect(filled.uncertain).toEqual([[0, heart]])
    expect(filled.fingerprint).not.toBe(dataset.fingerprint)
    expect(columnOf(dataset, 'Edema')[0]).toBeNull()
  })

  it('renames and merges labels: present where one is, unknown where none decides', async () => {
    await folder.put({ 'train.csv': train, ...images })
    const dataset = await folder.open({
      policy: 'u-selftrained',
      rename: { 'Pleural Effusion': 'Effusion' },
      merge: { 'Heart or lung': ['Edema', 'Cardiomegaly'] },
    })
    expect(columnOf(dataset, 'Effusion')).toEqual([1, 0, 0])
    expect(columnOf(dataset, 'Heart or lung')).toEqual([null, 0, 0])
    expect(dataset.uncertain).toEqual([[0, dataset.labels.indexOf('Heart or lung')]])
    expect(dataset.labels).not.toContain('Edema')
  })

  it.each([
    [{ policy: 'u-one' }, /policy: .*found "u-one"\. Did you mean "u-ones"\?/],
    [{ polcy: 'u-ones' }, /polcy: there is no such key\. Did you mean "policy"\? Known here: policy, blank/],
    [{ rename: { Edema: 'A' }, merge: { B: ['Edema'] } }, /"Edema" becomes "A" and is merged into "B"/],
  ])('refuses %j', async (settings, message) => {
    await folder.put({ 'train.csv': train, ...images })
    expect(await folder.refusal(settings)).toMatch(message)
  })
})

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url)),
  'labels/chexpert_train.csv.gz',
)
const present = existsSync(real)

/** Present, uncertain and absent in words, by image: counted with pandas 1.5.3. Not mentioned are the rest. */
const COUNTS: Record<string, [number, number, number]> = {
  'No Finding': [22381, 0, 0],
  'Enlarged Cardiomediastinum': [10798, 12403, 21638],
  Cardiomegaly: [27000, 8087, 11116],
  'Lung Opacity': [105581, 5598, 6599],
  'Lung Lesion': [9186, 1488, 1270],
  Edema: [52246, 12984, 20726],
  Consolidation: [14783, 27742, 28097],
  Pneumonia: [6039, 18770, 2799],
  Atelectasis: [33376, 33739, 1328],
  Pneumothorax: [19448, 3145, 56341],
  'Pleural Effusion': [86187, 11628, 35396],
  'Pleural Other': [3523, 2653, 316],
  Fracture: [9040, 642, 2512],
  'Support Devices': [116001, 1079, 6137],
}

/** Present and uncertain by study: table 1 of the paper, of its 187,641 studies. */
const STUDIES: Record<string, [number, number]> = {
  Cardiomegaly: [23002, 6597],
  Edema: [48905, 11571],
  Consolidation: [12730, 23976],
  Atelectasis: [29333, 29377],
  'Pleural Effusion': [75696, 9419],
}

describe.skipIf(!present)(`CheXpert's 223,414 rows${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  const images = 223414
  const opened = new Map<string, Promise<Dataset>>()
  const open = (policy: string): Promise<Dataset> => {
    const before = opened.get(policy)
    if (before !== undefined) return before
    const blank = policy === 'u-selftrained' ? 'unknown' : 'zero'
    const dataset = openDataset(real, { requireImages: false, settings: { policy, blank } })
    // The two that a later test needs again are kept.
    if (policy === 'u-zeros' || policy === 'u-ones') opened.set(policy, dataset)
    return dataset
  }

  it.each(['u-ignore', 'u-zeros', 'u-ones', 'u-multiclass', 'mixed'])(
    'count as known under %s',
    async (policy) => {
      const dataset = await open(policy)
      expect(dataset.samples).toHaveLength(images)
      for (const [label, [positive, uncertain]] of Object.entries(COUNTS)) {
        const ones = policy === 'u-ones' || (policy === 'mixed' && ['Edema', 'Atelectasis'].includes(label))
        const [present, absent, unknown] = countsOf(dataset, label)
        expect(present, label).toBe(positive + (ones ? uncertain : 0))
        expect(unknown, label).toBe(policy === 'u-ignore' ? uncertain : 0)
        expect(present + absent + unknown).toBe(images)
        if (policy === 'u-multiclass' && label !== 'No Finding')
          expect(countsOf(dataset, `${label} (uncertain)`)[0]).toBe(uncertain)
      }
    },
  )

  it('keep uncertain and not mentioned apart, and are of 64,540 patients', async () => {
    const dataset = await open('u-selftrained')
    expect(new Set(dataset.samples.map(({ patient }) => patient)).size).toBe(64540)
    const listed = new Map<string, number>()
    for (const [, label] of dataset.uncertain ?? [])
      listed.set(dataset.labels[label], (listed.get(dataset.labels[label]) ?? 0) + 1)
    for (const [label, [positive, uncertain, negative]] of Object.entries(COUNTS)) {
      expect(countsOf(dataset, label)).toEqual([positive, negative, images - positive - negative])
      expect(listed.get(label) ?? 0).toBe(uncertain)
    }
  })

  it("give the paper's counts by study", async () => {
    const [zeros, ones] = [await open('u-zeros'), await open('u-ones')]
    const first = new Map<string, number>()
    zeros.samples.forEach(({ image }, index) => {
      const study = image.slice(0, image.lastIndexOf('/'))
      if (!first.has(study)) first.set(study, index)
    })
    expect(first.size).toBe(187641)
    for (const [label, [positive, uncertain]] of Object.entries(STUDIES)) {
      const [without, within] = [columnOf(zeros, label), columnOf(ones, label)]
      const count = (values: typeof without) => [...first.values()].filter((at) => values[at] === 1).length
      expect([count(without), count(within) - count(without)]).toEqual([positive, uncertain])
    }
  })
})
