import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunError } from './errors.js'
import { whyNotWritten, writeFileAtomic } from './files.js'

describe('writeFileAtomic', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plurad-files-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('writes and replaces, leaving nothing else behind', async () => {
    const path = join(folder, 'metrics.json')
    await writeFileAtomic(path, 'old')
    await writeFileAtomic(path, Uint8Array.from([110, 101, 119]))
    expect(await readFile(path, 'utf8')).toBe('new')
    expect(await readdir(folder)).toEqual(['metrics.json'])
  })

  it('writes the last of many at once, whole', async () => {
    const path = join(folder, 'a')
    const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000))
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)))
    expect(contents).toContain(await readFile(path, 'utf8'))
    expect(await readdir(folder)).toEqual(['a'])
  })

  it('names the file and the cause, and cleans up, where a folder is in the way', async () => {
    await mkdir(join(folder, 'taken'))
    await writeFile(join(folder, 'taken', 'x'), '')
    const error = await writeFileAtomic(join(folder, 'taken'), 'x').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RunError)
    expect((error as Error).message).toContain(join(folder, 'taken'))
    expect((error as Error).message).toContain('in the way')
    expect(await readdir(folder)).toEqual(['taken'])
  })

  it('says that the folder does not exist', async () => {
    await expect(writeFileAtomic(join(folder, 'none', 'x'), 'x')).rejects.toThrow('its folder does not exist')
  })

  it('explains the codes that full and protected disks give', () => {
    const failed = (code: string) => whyNotWritten(Object.assign(new Error('write'), { code }))
    expect(failed('ENOSPC')).toContain('disk is full')
    expect(failed('EROFS')).toContain('read-only')
    expect(failed('EACCES')).toContain('you may not write there')
    expect(failed('EIO')).toBe('write (EIO)')
  })
})
