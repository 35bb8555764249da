/** Layouts of data sets through the command line: refused, trained on, and submitted to. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, makeWorkplace, sets, succeed, type Workplace } from './cli.js'

let here: Workplace
/** Phantom radiographs, to lie in other layouts. */
let images: string[]

beforeAll(async () => {
  here = await makeWorkplace({ count: 24 })
  const folder = join(here.data, 'images')
  images = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
}, 60_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

function link(image: number, ...names: string[]): void {
  const path = here.path(join(...names))
  mkdirSync(join(path, '..'), { recursive: true })
  symlinkSync(images[image % images.length], path)
}

describe("folders of a public copy that share patients, named as NIH's files are", () => {
  beforeAll(() => {
    const splits = ['train', 'train', 'train', 'valid', 'test']
    for (let image = 0; image < 20; image++) {
      const patient = String(1 + (image >> 1)).padStart(8, '0')
      const label = image % 3 === 0 ? 'Effusion' : 'No Finding'
      link(image, 'copy', splits[image % 5], label, `${patient}_00${image % 2}.png`)
    }
  })

  it('are refused before anything is made', async () => {
    const message = await fail([
      'train',
      here.recipe,
      '--data',
      here.path('copy'),
      '--out',
      here.path('leaky'),
    ])
    // Of ten patients with two images each: 4,5 | 8,9 | 14,15 | 18,19 and 2,3 | 12,13 lie in two folders.
    expect(message).toMatch(/6 patients have images in more than one split, such as 0{6}\d\d \(\w+ and \w+\)/)
    expect(message).toContain('data.set.split=none')
    expect(existsSync(here.path('leaky'))).toBe(false)
  })
})

describe("a competition's files", () => {
  const at = (...names: string[]) => here.path(join('competition', ...names))

  it('are trained on, and its sample submission is filled', { timeout: 120_000 }, async () => {
    const rows = { train: 12, val: 5, test: 5 }
    let image = 0
    for (const [split, count] of Object.entries(rows)) {
      const lines = Array.from({ length: count }, (_, index) => {
        link(image, 'competition', `${split}_images`, `${index}.png`)
        // The third class has one image, in train: no metric can be had of it.
        return `${index}.png,${image++ % 2},${(index >> 1) % 2},${split === 'train' && index === 0 ? 1 : 0}`
      })
      const name = split === 'test' ? 'sample_submission.txt' : `${split}_labels.csv`
      writeFileSync(at(name), ['id,class1,class2,class3', ...lines.reverse(), ''].join('\n'))
    }
    const run = here.path('competed')
    const { stderr } = await succeed([
      ...['train', here.recipe, '--data', at(), '--out', run, ...sets('training.epochs=1')],
    ])
    expect(stderr).toMatch(/Note {8}The 5 images of sample_submission\.txt have no labels/)
    const metrics = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8')) as {
      val: { labels: { label: string; auc: number | null; note?: string }[] }
    }
    expect(metrics.val.labels.map(({ label, auc }) => [label, typeof auc])).toEqual([
      ['class1', 'number'],
      ['class2', 'number'],
      ['class3', 'object'],
    ])
    expect(readFileSync(join(run, 'metrics.json'), 'utf8')).not.toContain('NaN')

    const out = at('submission.csv')
    const submit = [
      'predict',
      run,
      at('test_images'),
      '--submission',
      at('sample_submission.txt'),
      '--out',
      out,
    ]
    await succeed(submit)
    const lines = readFileSync(out, 'utf8').trim().split('\n')
    expect(lines[0]).toBe('id,class1,class2,class3')
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual([
      '4.png',
      '3.png',
      '2.png',
      '1.png',
      '0.png',
    ])
    const values = lines.slice(1).flatMap((line) => line.split(',').slice(1).map(Number))
    expect(values.every((value) => value > 0 && value < 1)).toBe(true)

    rmSync(at('test_images/3.png'))
    rmSync(out)
    expect(await fail(submit)).toMatch(/1 of its 5 images are not among the 4 predicted, such as "3\.png"/)
    expect(existsSync(out)).toBe(false)
    await fail([...submit.slice(0, -2)], { code: 2 })
  })
})

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
  'rfmid-64px',
)
const present = existsSync(real)

describe.skipIf(!present)(`some of RFMiD${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  it('is trained on although labels have one image or none', { timeout: 120_000 }, async () => {
    // In each split those with the most labels: the rare ones are among them.
    const some = here.path('rfmid')
    for (const [split, count] of [['train', 24] as const, ['val', 12] as const, ['test', 12] as const]) {
      const [header, ...rows] = readFileSync(join(real, `${split}_labels.csv`), 'utf8')
        .trim()
        .split('\n')
      const present = (row: string) => row.split(',1').length
      const chosen = rows.sort((a, b) => present(b) - present(a)).slice(0, count)
      mkdirSync(join(some, split), { recursive: true })
      writeFileSync(join(some, `${split}_labels.csv`), [header, ...chosen, ''].join('\n'))
      for (const row of chosen) {
        const name = `${row.split(',')[0]}.png`
        copyFileSync(join(real, split, name), join(some, split, name))
      }
    }
    const run = here.path('fundus')
    const changes = ['training.epochs=1', 'data.channels=3', 'training.batch_size=8']
    await succeed(['train', here.recipe, '--data', some, '--out', run, ...sets(...changes)])
    const text = readFileSync(join(run, 'metrics.json'), 'utf8')
    expect(text).not.toContain('NaN')
    const { test } = JSON.parse(text) as {
      test: { images: number; labels: { auc: number | null; positives: number }[] }
    }
    expect(test.images).toBe(12)
    const oneClass = test.labels.filter(({ positives }) => positives === 0 || positives === 12)
    expect(oneClass.length).toBeGreaterThan(3)
    expect(oneClass.every(({ auc }) => auc === null)).toBe(true)
    expect(test.labels.length - oneClass.length).toBeGreaterThan(3)
  })
})
