/** Training on a split that was made beforehand: exactly that, also after a resume. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { csvParse } from 'd3-dsv'
import { parse } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, makeWorkplace, sets, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace({ count: 40 })
  await succeed(['data', 'split', here.data, '--folds', '4', '--out', here.path('folds.csv')])
}, 60_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const rowsOf = (file: string) => csvParse(readFileSync(file, 'utf8'))

/** Arguments of a run of one epoch. */
const train = (name: string, ...more: string[]) => [
  ...['train', here.recipe, '--data', here.data, '--out', here.path(name), ...more],
  ...sets('training.epochs=1'),
]

describe('plurad train --split-file', () => {
  it('trains on one fold, and resumes without the file', { timeout: 120_000 }, async () => {
    const run = here.path('run')
    const { stderr } = await succeed(train('run', '--split-file', 'folds.csv', '--fold', '2'), {
      cwd: here.folder,
    })
    expect(stderr).toContain(`Split from  ${here.path('folds.csv')}, fold 2\n`)
    const folds = new Map(rowsOf(here.path('folds.csv')).map(({ image, fold }) => [image, fold]))
    for (const { image, split } of rowsOf(`${run}/split.csv`)) {
      const fold = folds.get(image)
      expect(split).toBe(fold === '2' ? 'test' : fold === '3' ? 'val' : 'train')
    }
    const recipe = parse(readFileSync(`${run}/recipe.yaml`, 'utf8')) as { data: { split: object } }
    expect(recipe.data.split).toMatchObject({ file: here.path('folds.csv'), fold: 2 })

    const before = readFileSync(`${run}/split.csv`, 'utf8')
    rmSync(here.path('folds.csv'))
    await succeed(['train', '--resume', '--out', run])
    expect(readFileSync(`${run}/split.csv`, 'utf8')).toBe(before)
    expect(await fail(['train', '--resume', '--out', run, '--fold', '1'])).toContain(
      'cannot change a run that is resumed',
    )
    // A run's own split.csv is a split file, too.
    await succeed(train('copy', '--split-file', `${run}/split.csv`))
    expect(readFileSync(here.path('copy/split.csv'), 'utf8')).toBe(before)
  })

  it('refuses a file that lacks rows or divides patients', { timeout: 120_000 }, async () => {
    await succeed(['data', 'split', here.data, '--out', here.path('split.csv')])
    const lines = readFileSync(here.path('split.csv'), 'utf8').trim().split('\n')
    const place = here.path('other.csv')
    writeFileSync(place, `${lines.slice(0, -3).join('\n')}\n`)
    const [image] = lines.at(-3)?.split(',') ?? []
    const stderr = await fail(train('lacks', '--split-file', place))
    expect(stderr).toMatch(/other.csv: 3 of the data set's 40 images are not in it, such as/)
    expect(stderr).toContain(`"${image}"`)

    const turn = ['train', 'val', 'test']
    writeFileSync(
      place,
      [
        lines[0],
        ...lines.slice(1).map((line, i) => line.replace(/,(train|val|test),/, `,${turn[i % 3]},`)),
      ].join('\n'),
    )
    expect(await fail(train('leaks', '--split-file', place))).toMatch(/images in more than one split/)
  })
})
