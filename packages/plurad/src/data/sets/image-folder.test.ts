import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset.js'
import { assertPatientDisjoint, sharedPatients, splitDataset } from '../split.js'
import type { OpenOptions } from './adapter.js'
import { openDataset } from './open.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-folders-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(...names: string[]) {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), '')
  }
}

const open = (settings: OpenOptions['settings'] = {}, labels?: readonly string[]) =>
  openDataset(folder, { settings, labels })
const seen = ({ samples }: Dataset) =>
  samples.map(({ image, labels, split, patient }) => [image, labels.join(''), split, patient])

describe('folders of classes', () => {
  it('are labels, below whatever lies in them', async () => {
    await put('mass/1.png', 'mass/images/2.jpeg', 'normal/1.png', 'normal/notes.txt', '.git/x/1.png', '3.png')
    const dataset = await open()
    expect(dataset.labels).toEqual(['mass', 'normal'])
    expect(seen(dataset)).toEqual([
      ['mass/1.png', '10', undefined, null],
      ['mass/images/2.jpeg', '10', undefined, null],
      ['normal/1.png', '01', undefined, null],
    ])
    expect(dataset.skipped).toEqual([{ image: '3.png', reason: 'in no folder of a class' }])
    expect(seen(await open({ no_finding: 'normal' }))[2]).toEqual(['normal/1.png', '0', undefined, null])
    await expect(open({ no_finding: 'Normal' })).rejects.toThrow(/no class "Normal".*Did you mean "normal"/)
    expect((await open({}, ['normal'])).samples.map(({ labels }) => labels[0])).toEqual([0, 0, 1])
  })

  it('below folders of splits are split so, also through links', async () => {
    await put('Train/mass/1.png', 'Train/normal/2.png', 'valid/mass/1.png', 'elsewhere/3.png')
    await mkdir(join(folder, 'test'))
    await symlink(join(folder, 'elsewhere'), join(folder, 'test/normal'))
    expect(seen(await open())).toEqual([
      ['Train/mass/1.png', '10', 'train', null],
      ['Train/normal/2.png', '01', 'train', null],
      ['test/normal/3.png', '01', 'test', null],
      ['valid/mass/1.png', '10', 'val', null],
    ])
    expect((await open({ split: 'none' })).samples.every(({ split }) => split === undefined)).toBe(true)
  })

  it.each([
    [['images/1.png', 'images/2.png']],
    [['images_001/1.png', 'images_002/2.png']],
    [['train/x/1.png']],
  ])('are not %j', async (names) => {
    await put(...names)
    await expect(open()).rejects.toThrow(/no table found/)
  })
})

describe('patients', () => {
  const copy = [
    'train/Mass/00000001_000.png',
    'train/No Finding/00000002_000.png',
    'train/No Finding/00000003_000.png',
    'valid/Mass/00000001_001.png',
    'valid/No Finding/00000004_000.png',
    'test/Mass/00000005_000.png',
    'test/No Finding/00000002_003.png',
  ]

  it("are known by NIH's names: folders that share them are refused, with names and numbers", async () => {
    await put(...copy)
    const { samples, labels } = await open()
    expect(samples.map(({ image, patient }) => `${image.slice(0, 5)} ${patient?.slice(-1)}`)).toEqual([
      ...['test/ 5', 'test/ 2', 'train 1', 'train 2', 'train 3', 'valid 1', 'valid 4'],
    ])
    const assignment = splitDataset({ samples, labels })
    expect(sharedPatients(samples, assignment)).toEqual(
      new Map([
        ['00000002', ['train', 'test']],
        ['00000001', ['train', 'val']],
      ]),
    )
    expect(() => assertPatientDisjoint(samples, assignment)).toThrow(
      /2 patients have images in more than one split, such as 00000002 \(train and test\), 00000001 \(train and val\)/,
    )
    const whole = await open({ split: 'none' })
    expect(sharedPatients(whole.samples, splitDataset(whole))).toEqual(new Map())
  })

  it('are known by folders, and by a pattern', async () => {
    await put('a/patient00017/study1/view1.jpg', 'b/x7_1.png', 'b/x8_1.png')
    expect((await open()).samples.map(({ patient }) => patient)).toEqual(['patient00017', null, null])
    const pattern = { patient_pattern: '(?:patient0*|x)([0-9]+)' }
    expect((await open(pattern)).samples.map(({ patient }) => patient)).toEqual(['17', '7', '8'])
    await expect(open({ patient_pattern: 'x([0-9]+)' })).rejects.toThrow(
      /finds no patient in "a\/patient00017/,
    )
    await expect(open({ patient_pattern: '(' })).rejects.toThrow(/patient_pattern "\("/)
  })
})

describe('a name in several classes', () => {
  it("is one image with all these labels where it is NIH's, or where merge says so", async () => {
    await put('Edema/00000001_000.png', 'Mass/00000001_000.png', 'Mass/7.png', 'Edema/7.png')
    const dataset = await open()
    expect(seen(dataset)).toEqual([
      ['Edema/00000001_000.png', '11', undefined, '00000001'],
      ['Edema/7.png', '10', undefined, null],
      ['Mass/7.png', '01', undefined, null],
    ])
    expect(dataset.notes).toEqual(['1 images lie in several classes and have all these labels.'])
    expect((await open({ same_name: 'merge' })).samples).toHaveLength(2)
    expect((await open({ same_name: 'separate' })).samples).toHaveLength(4)
  })
})
