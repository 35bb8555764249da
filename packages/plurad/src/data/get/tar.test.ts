import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataError } from '../../errors.js'
import { unpackTarGz } from './tar.js'

const fixtures = fileURLToPath(new URL('../../../test/fixtures/get/', import.meta.url))
const expected = JSON.parse(readFileSync(join(fixtures, 'files.json'), 'utf8')) as Record<string, string>

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-tar-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const filesIn = (at: string) =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(at.length + 1))
    .sort()

/** One header of the ustar format (POSIX 1003.1) and its data. */
function entry(name: string, data = Buffer.from('x'), type = '0'): Buffer {
  const header = Buffer.alloc(512)
  header.write(name)
  header.write('0000644\0', 100)
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write(type, 156)
  header.write('ustar\x0000', 257, 'latin1')
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

function archive(...parts: Buffer[]): string {
  const file = join(folder, 'archive.tar.gz')
  writeFileSync(file, gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)])))
  return file
}

describe('unpackTarGz', () => {
  it.each(['gnu', 'pax', 'ustar'])('unpacks what tarfile wrote in the %s format', async (format) => {
    const progress: number[] = []
    const file = join(fixtures, `${format}.tar.gz`)
    const unpacked = await unpackTarGz(file, folder, { onProgress: (read) => progress.push(read) })
    const wanted = Object.entries(expected).filter(
      // make_tar.py leaves out of ustar what it has no room for.
      ([name]) =>
        format !== 'ustar' || (/^[ -~]*$/.test(name) && (name.split('/').at(-1)?.length ?? 0) <= 100),
    )
    expect(wanted.length).toBeGreaterThanOrEqual(5)
    for (const [name, hex] of wanted) expect(readFileSync(join(folder, name)).toString('hex')).toBe(hex)
    const names = wanted.map(([name]) => name.replace('./', ''))
    expect(filesIn(folder)).toEqual([...names].sort())
    expect(unpacked.map(({ path }) => path).sort()).toEqual([...names].sort())
    expect(unpacked.find(({ path }) => path === 'images/block.png')?.bytes).toBe(512)
    expect(progress.at(-1)).toBe(readFileSync(file).length)
  })

  it.each(['link', 'hard', 'pipe'])('refuses a %s, and keeps the files before it', async (name) => {
    await expect(unpackTarGz(join(fixtures, `${name}.tar.gz`), folder)).rejects.toThrow(
      /"images\/second.png" is a link or a device/,
    )
    expect(filesIn(folder)).toEqual(['images/first.png'])
  })

  it.each([
    '../outside.png',
    '/outside.png',
    'images/../../outside.png',
    'a\\..\\outside.png',
    'C:outside.png',
    '..',
  ])('refuses the path %s', async (name) => {
    const inner = join(folder, 'inner')
    const bad = unpackTarGz(archive(entry('fine.png'), entry(name)), inner)
    await expect(bad).rejects.toThrow(/is no path within the folder/)
    expect(filesIn(folder)).toEqual(['archive.tar.gz', 'inner/fine.png'])
  })

  it('refuses a path that an extended header brings in', async () => {
    const record = '21 path=../outside.x\n'
    expect(record).toHaveLength(21)
    const bad = archive(entry('pax', Buffer.from(record), 'x'), entry('fine.png'))
    await expect(unpackTarGz(bad, join(folder, 'inner'))).rejects.toThrow(/"..\/outside.x" is no path/)
    expect(existsSync(join(folder, 'outside.x'))).toBe(false)
  })

  it('says where an archive is cut off, and leaves no half file', async () => {
    const whole = readFileSync(join(fixtures, 'gnu.tar.gz'))
    const cut = join(folder, 'cut.tar.gz')
    writeFileSync(cut, whole.subarray(0, 400))
    await expect(unpackTarGz(cut, join(folder, 'a'))).rejects.toThrow(
      /cut.tar.gz: damaged or cut-off gzip file/,
    )
    writeFileSync(cut, gzipSync(gunzipSync(whole).subarray(0, 512 + 512 + 700)))
    await expect(unpackTarGz(cut, join(folder, 'b'))).rejects.toThrow(
      /cut.tar.gz: cut off within "images\/00000001_000.png"/,
    )
    expect(filesIn(folder)).toEqual(['cut.tar.gz'])
  })

  it('refuses what is no archive', async () => {
    const file = join(folder, 'x.tar.gz')
    for (const [content, message] of [
      [Buffer.from('hello'), /damaged or cut-off gzip file/],
      [gzipSync(Buffer.alloc(2048, 1)), /not a tar archive, or damaged/],
      [gzipSync(Buffer.concat([entry('a.png').fill(0x39, 124, 130)])), /a header does not add up/],
      [gzipSync(Buffer.from('short')), /cut off within a header/],
    ] as const) {
      writeFileSync(file, content)
      await expect(unpackTarGz(file, join(folder, 'out'))).rejects.toThrow(message)
      await expect(unpackTarGz(file, join(folder, 'out'))).rejects.toThrow(DataError)
    }
  })

  it('replaces files, and says where it cannot', async () => {
    const file = archive(entry('images/a.png', Buffer.from('new')))
    await unpackTarGz(file, folder)
    await unpackTarGz(file, folder)
    expect(readFileSync(join(folder, 'images/a.png'), 'utf8')).toBe('new')
    const blocked = archive(entry('images/a.png/b.png'))
    await expect(unpackTarGz(blocked, folder)).rejects.toThrow(/could not be unpacked into/)
  })

  it('stops when asked to', async () => {
    const file = archive(...Array.from({ length: 50 }, (_, i) => entry(`${i}.png`, Buffer.alloc(1 << 16, i))))
    const abort = new AbortController()
    const stopped = unpackTarGz(file, join(folder, 'out'), {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    })
    await expect(stopped).rejects.toThrow('enough')
  })
})
