import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { expandGlob, isGlob } from './glob.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-glob-'))
  for (const name of [
    'a1.png',
    'a2.png',
    'b.jpg',
    'x.y/c+.png',
    'x.y/z/d.png',
    '.hidden.png',
    '.git/e.png',
  ]) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, '')
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

// What bash gives with `shopt -s globstar nullglob`.
it.each([
  ['*.png', ['a1.png', 'a2.png']],
  ['**/*.png', ['a1.png', 'a2.png', 'x.y/c+.png', 'x.y/z/d.png']],
  ['a?.png', ['a1.png', 'a2.png']],
  ['a[2-9].png', ['a2.png']],
  ['a[!2].png', ['a1.png']],
  ['*.{jpg,png}', ['a1.png', 'a2.png', 'b.jpg']],
  ['*/*.png', ['x.y/c+.png']],
  ['x.y/**/*.png', ['x.y/c+.png', 'x.y/z/d.png']],
  ['x.?/c+.png', ['x.y/c+.png']],
  ['.*.png', ['.hidden.png']],
  ['*.tif', []],
  ['nowhere/*.png', []],
])('%s', async (pattern, names) => {
  expect(isGlob(pattern)).toBe(true)
  expect(await expandGlob(`${folder}/${pattern}`)).toEqual(names.map((name) => join(folder, name)))
})
