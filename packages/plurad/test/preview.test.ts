/** `plurad data preview`: what people get to see is what the images are. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, makeWorkplace, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace({ count: 8, size: 48 })
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const preview = (...more: string[]): string[] => ['data', 'preview', here.data, ...more]
const small = ['--set', 'data.size=32', '--n', '2', '--draws', '3']

/** The encoded pictures of a page, in its order. */
function picturesOf(file: string): Buffer[] {
  const matches = readFileSync(file, 'utf8').matchAll(/src="data:image\/png;base64,([^"]+)"/g)
  return [...matches].map(([, text]) => Buffer.from(text, 'base64'))
}

describe('plurad data preview', () => {
  it('writes a page with the original and every step, without the names of files', async () => {
    const out = here.path('preview.html')
    const { stdout } = await succeed(
      preview(...small, '--set', 'augmentation=[horizontal_flip, contrast]', '--out', out, '--json'),
    )
    const result = JSON.parse(stdout) as { samples: { labels: string }[]; augmentation: { name: string }[] }
    expect(result.augmentation.map(({ name }) => name)).toEqual(['horizontal_flip', 'contrast'])
    const page = readFileSync(out, 'utf8')
    for (const { labels } of result.samples) expect(page).toContain(labels)
    expect(page).not.toMatch(/\.png/)
    expect(page).not.toMatch(/(src|href)="http/)
    const pictures = picturesOf(out)
    // Two samples of three rows: the original and three draws.
    expect(pictures).toHaveLength(2 * 3 * 4)
    const [original, flipped] = await Promise.all(
      [pictures[4], pictures[5]].map((picture) =>
        sharp(picture).extractChannel(0).raw().toBuffer({ resolveWithObject: true }),
      ),
    )
    expect(original.info).toMatchObject({ width: 32, height: 32, channels: 1 })
    for (let row = 0; row < 32; row++) {
      const line = (of: Buffer): number[] => [...of.subarray(row * 32, (row + 1) * 32)]
      expect(line(flipped.data)).toEqual(line(original.data).toReversed())
    }
  })

  it('writes a picture, and mixes the samples', async () => {
    const out = here.path('preview.png')
    await succeed(
      preview(...small, '--set', 'augmentation=radiograph', '--set', 'mixing={name: cutmix}', '--out', out),
    )
    const { width, height } = await sharp(out).metadata()
    expect(width).toBeGreaterThan(900)
    expect(height).toBeGreaterThan(1500)
  })

  it('shows the images alone where nothing is to be augmented, and names files when asked to', async () => {
    const out = here.path('plain.html')
    await succeed(preview(...small, '--with-ids', '--out', out))
    expect(picturesOf(out)).toHaveLength(2)
    expect(readFileSync(out, 'utf8')).toMatch(/\.png/)
  })

  it('shows the same for the same seed, and something else for another', async () => {
    const pages: string[] = []
    for (const seed of ['0', '0', '1']) {
      const out = here.path('seed.html')
      await succeed(preview(...small, '--set', 'augmentation=[rotation]', '--seed', seed, '--out', out))
      pages.push(readFileSync(out, 'utf8'))
    }
    expect(pages[1]).toBe(pages[0])
    expect(pages[2]).not.toBe(pages[0])
  })

  it('says what is wrong with a flag', async () => {
    expect(await fail(preview('--out', 'preview.pdf'), { code: 2 })).toMatch(/\.html or \.png/)
    expect(await fail(preview('--n', 'some'), { code: 2 })).toMatch(/--n some/)
    expect(await fail(preview('--set', 'augmentation=[rotate]'))).toMatch(/no augmentation 'rotate'/)
    expect(existsSync('preview.html')).toBe(false)
  })
})
