/** Images that can be read but look wrong: said at the end, listed, and never in the way. */
import { copyFileSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeWorkplace, sets, succeed, type Workplace } from './cli.js'

const WARNING = 'every pixel has the same value (128 of 255)'

let here: Workplace
/** One image of each split, all of one value. */
let grey: string[]
let run: string
beforeAll(async () => {
  here = await makeWorkplace()
  run = here.path('run')
  const images = readdirSync(join(here.data, 'images')).sort()
  const file = (image: string): string => join(here.data, 'images', image)
  const split = here.path('split.csv')
  await succeed(['data', 'split', here.data, '--out', split])
  const rows = readFileSync(split, 'utf8').split('\n')
  const splitOf = (image: string): string | undefined =>
    rows.find((row) => row.startsWith(`${image},`))?.split(',')[2]
  grey = ['train', 'val', 'test'].map((name) => images.find((image) => splitOf(image) === name) ?? '')
  const pixels = Buffer.alloc(32 * 32, 128)
  await sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(here.path('grey.png'))
  for (const image of grey) copyFileSync(here.path('grey.png'), file(image))
}, 60_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const expectListed = (file: string, images: readonly string[]): void => {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines).toEqual(['image,warning', ...[...images].sort().map((image) => `${image},${WARNING}`)])
}

describe('an image of one value everywhere', () => {
  it(
    'is counted after training and listed in warnings.csv, also when it comes from a pack',
    { timeout: 120_000 },
    async () => {
      const train = ['train', here.recipe, '--data', here.data, ...sets('training.epochs=1')]
      const { stdout } = await succeed([...train, '--out', run])
      expect(stdout).toContain(`Warnings    for 3 image(s), listed in ${run}/warnings.csv`)
      expectListed(join(run, 'warnings.csv'), grey)
      // Resumed after its end, when no image is looked at again but those that are predicted.
      await succeed(['train', '--resume', '--out', run])
      expectListed(join(run, 'warnings.csv'), grey)

      await succeed(['data', 'pack', here.data, '--recipe', here.recipe, '--out', here.path('pack')])
      await succeed([...train, '--pack', here.path('pack'), '--out', here.path('packed')])
      expectListed(here.path('packed/warnings.csv'), grey)
    },
  )

  it('is told by evaluate and predict', { timeout: 120_000 }, async () => {
    const out = here.path('evaluated')
    const evaluated = await succeed(['evaluate', run, '--out', out])
    expect(evaluated.stderr).toContain(`plurad: warning: ${grey[2]}: ${WARNING}\n1 image(s) with a warning.`)
    expectListed(join(out, 'warnings.csv'), grey.slice(2))
    const image = here.path('grey.png')
    const predicted = await succeed(['predict', run, image, '--json'])
    expect(predicted.stderr).toContain(`plurad: warning: ${image}: ${WARNING}`)
    expect(JSON.parse(predicted.stdout)).toMatchObject([{ image, warning: WARNING }])
  })
})
