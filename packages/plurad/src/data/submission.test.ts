import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataError } from '../errors.js'
import { readSampleSubmission, writeSubmission, type Scores } from './submission.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-submission-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const scores: Scores = {
  labels: ['mass', 'edema', 'hernia'],
  images: ['test/a.png', 'test/b.png', 'test/c.png'],
  scores: Float64Array.of(0.25, 0.5, 0.125, 0.75, 0.0625, 1, 0, 1e-7, 0.3),
}

async function fill(
  sample: string,
  { name = 'sample.csv', thresholds = null as (number | null)[] | null, given = scores } = {},
): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, sample)
  const out = join(folder, 'out.csv')
  await writeSubmission(await readSampleSubmission(file), given, out, thresholds)
  return readFile(out, 'utf8')
}

describe('a submission', () => {
  it('has the rows and columns of its sample in their order', async () => {
    expect(await fill('id,edema,mass\nc.png,0,0\na.png,0,0\nb.png,0.5,0\n')).toBe(
      'id,edema,mass\nc.png,1e-7,0\na.png,0.5,0.25\nb.png,0.0625,0.75\n',
    )
  })

  it('finds images by path, by name and by name without ending; text files keep their separator', async () => {
    const sample = 'Image;mass\r\ntest/b.png;0\r\na;0\r\nc.png;0\r\n'
    expect(await fill(sample, { name: 'sample_submission.txt' })).toBe(
      'Image;mass\ntest/b.png;0.75\na;0.25\nc.png;0\n',
    )
  })

  it('holds decisions where thresholds are given', async () => {
    const thresholds = [0.25, 0.6, null]
    expect(await fill('id,mass,edema\na,,\nb,,\nc,,\n', { thresholds })).toBe(
      'id,mass,edema\na,1,0\nb,1,0\nc,0,0\n',
    )
    await expect(fill('id,hernia\na,0\nb,0\nc,0\n', { thresholds })).rejects.toThrow(
      /no threshold for "hernia".*Submit probabilities/,
    )
  })

  it.each([
    ['id,mass\na,0\nb,0\nc,0\nd,0\n', /1 of its 4 images are not among the 3 predicted, such as "d"/],
    ['id,mass\na,0\nb,0\n', /1 of the 3 images predicted are not in it, such as "test\/c\.png"/],
    ['id,mass\na,0\nb,0\nx,0\n', /such as "x"\. Predicted were "test\/c\.png", for example/],
    ['id,mass\na,0\na,0\n', /row 3: "a" also stands in row 2/],
    ['id,mas\na,0\nb,0\nc,0\n', /no label "mas".*Did you mean "mass"/],
    ['id\na\n', /expected a column of images and one a label/],
  ])('of %j is refused, and nothing is written', async (sample, expected) => {
    const thrown: unknown = await fill(sample).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(DataError)
    expect((thrown as Error).message).toMatch(expected)
    expect(existsSync(join(folder, 'out.csv'))).toBe(false)
  })

  it('is refused where two images have one name', async () => {
    const given = { ...scores, images: ['one/a.png', 'two/a.png', 'b.png'] }
    await expect(fill('id,mass\na,0\nb,0\n', { given })).rejects.toThrow(
      /"a" is one\/a\.png and also two\/a\.png/,
    )
  })
})
