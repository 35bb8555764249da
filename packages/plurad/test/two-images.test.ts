/** Samples of two images, such as a patient's eyes: from the table to the prediction. */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fail, makeWorkplace, outcomeOf, sets, succeed, type Workplace } from './cli.js'

const HEADER =
  'ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,' +
  'Normal ,Diabetes,Glaucoma,Cataract,Age related Macular Degeneration ,Hypertension,Pathological Myopia,' +
  'Other diseases/abnormalities'

let here: Workplace
let data: string
beforeAll(async () => {
  here = await makeWorkplace()
  data = here.path('eyes')
  mkdirSync(join(data, 'images'), { recursive: true })
  const images = readdirSync(join(here.data, 'images')).sort()
  const rows = Array.from({ length: 12 }, (_, patient) => {
    const names = [`${patient}_left.png`, `${patient}_right.png`]
    names.forEach((name, eye) => {
      // The second patient has one eye, the third one that is damaged.
      if (patient === 1 && eye === 1) return
      const file = join(data, 'images', name)
      if (patient === 2 && eye === 1) writeFileSync(file, 'not an image')
      else copyFileSync(join(here.data, 'images', images[2 * patient + eye]), file)
    })
    const ill = patient % 2 === 1
    const words = ill ? 'cataract' : 'normal fundus'
    return `${patient},60,Female,${names.join()},${words},${words},${ill ? 0 : 1},0,0,${ill ? 1 : 0},0,0,0,0`
  })
  writeFileSync(join(data, 'annotations.csv'), `${[HEADER, ...rows].join('\n')}\n`)
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

it('are trained on, from files and from a pack, and predicted', { timeout: 120_000 }, async () => {
  const train = (out: string, ...changes: string[]): string[] => [
    'train',
    here.recipe,
    ...['--data', data, '--out', here.path(out)],
    ...sets(
      'training.epochs=1',
      'training.batch_size=2',
      'data.set={adapter: odir, sample: patient}',
      ...changes,
    ),
  ]
  expect(await fail(train('one'))).toContain(
    'samples of 2 images, but only 1 is taken of each: set data.images: 2.',
  )
  expect(await fail(train('three', 'data.images=3'))).toContain(
    'data.images is 3, but no sample of the data set has more than 2',
  )
  const { stdout } = await succeed(train('files', 'data.images=2'))
  expect(stdout).toContain('Skipped     ')
  const skipped = readFileSync(here.path('files/skipped.csv'), 'utf8')
  expect(skipped).toMatch(/2_right\.png: not an image/)

  await succeed([
    'data',
    'pack',
    data,
    '--recipe',
    here.recipe,
    '--set',
    'adapter=odir',
    '--out',
    here.path('pack'),
  ])
  await succeed([...train('packed', 'data.images=2', 'data.workers=2'), '--pack', here.path('pack')])
  expect(outcomeOf(here.path('packed'))).toEqual(outcomeOf(here.path('files')))
  expect(readFileSync(here.path('packed/skipped.csv'), 'utf8')).toBe(skipped)

  const evaluated = await succeed(['evaluate', here.path('files'), '--json'])
  const { test } = JSON.parse(readFileSync(here.path('files/metrics.json'), 'utf8')) as {
    test: { macro: unknown }
  }
  expect(JSON.parse(evaluated.stdout)).toMatchObject({ macro: test.macro })
})
