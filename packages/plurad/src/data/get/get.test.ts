import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { breakAfter, FileServer, serve } from '../../../test/file-server.js'
import { DataError, RunError, UsageError } from '../../errors.js'
import { getDataset, sourceNamed } from './get.js'
import { sources, type Source, type SourceFile } from './sources.js'

const tar = readFileSync(fileURLToPath(new URL('../../../test/fixtures/get/gnu.tar.gz', import.meta.url)))
const table = Buffer.from('image,Mass\na.png,1\n')
const large = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 253))
const hex = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest('hex')

const published: Record<string, Buffer> = { 'table.csv': table, 'large.npz': large, 'images_1.tar.gz': tar }

function file(name: string, changes: Partial<SourceFile> = {}): SourceFile {
  const url = `https://publisher.invalid/${name}?download=1`
  return { name, url, bytes: null, md5: null, sha256: null, unpack: name.endsWith('.tar.gz'), ...changes }
}

function sourceOf(...files: SourceFile[]): Source {
  return {
    name: 'test',
    family: 'test',
    title: 'Test',
    description: '',
    images: 1,
    labels: 1,
    atMost: 1,
    licence: { name: '', terms: '', url: '' },
    citations: [],
    homepage: 'https://publisher.invalid/page',
    files,
    location: '.',
    size: 28,
    channels: 1,
  }
}

let folder: string
let server: FileServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-get-'))
  server = await FileServer.start()
  server.answer = (request, response) => {
    const data = published[(request.url ?? '').slice('/mirror/'.length)]
    if (data === undefined) response.writeHead(404).end()
    else serve(data)(request, response)
  }
})
afterEach(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const get = (source: Source, options: Parameters<typeof getDataset>[2] = {}) =>
  getDataset(source, folder, { mirror: `${server.base}/mirror/`, retryDelay: 1, ...options })

const visible = () =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()

describe('getDataset', () => {
  it('fetches, checks and unpacks; the second call fetches nothing', async () => {
    const source = sourceOf(
      file('table.csv', { sha256: hex('sha256', table), bytes: table.length }),
      file('large.npz', { md5: hex('md5', large) }),
      file('images_1.tar.gz', { md5: hex('md5', tar), bytes: tar.length }),
    )
    const stages = new Set<string>()
    const got = await get(source, { onProgress: (stage) => stages.add(stage) })
    expect(got.map(({ name, status, checked, unpacked }) => [name, status, checked, unpacked])).toEqual([
      ['table.csv', 'fetched', true, null],
      ['large.npz', 'fetched', true, null],
      ['images_1.tar.gz', 'fetched', true, 7],
    ])
    expect(got[1]?.sha256).toBe(hex('sha256', large))
    expect(stages).toEqual(new Set(['downloading', 'checking', 'unpacking']))
    expect(visible()).toEqual(['dotted.txt', 'images', 'large.npz', 'table.csv'])
    expect(readFileSync(join(folder, 'large.npz')).equals(large)).toBe(true)

    server.requests = []
    const again = await get(source)
    expect(again.map(({ status }) => status)).toEqual(['there', 'there', 'there'])
    expect(again.map(({ sha256 }) => sha256)).toEqual(got.map(({ sha256 }) => sha256))
    expect(server.requests).toEqual([])
  })

  it('goes on where a connection broke', async () => {
    const part = join(folder, 'large.npz.part')
    let first = true
    server.answer = (request, response) => {
      if (first) breakAfter(large, 40_000, part)(request, response)
      else serve(large)(request, response)
      first = false
    }
    const retries: string[] = []
    await get(sourceOf(file('large.npz')), { onRetry: (_file, reason) => retries.push(reason) })
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=40000-'])
    expect(retries).toHaveLength(1)
  })

  it('unpacks an archive again where one of its files is gone or cut', async () => {
    const source = sourceOf(file('images_1.tar.gz'))
    await get(source)
    for (const damage of [
      () => rmSync(join(folder, 'images/block.png')),
      () => truncateSync(join(folder, 'images/block.png'), 100),
    ]) {
      damage()
      server.requests = []
      expect((await get(source))[0]).toMatchObject({ status: 'fetched', unpacked: 7 })
      expect(server.requests).toHaveLength(1)
      expect(readFileSync(join(folder, 'images/block.png'))).toHaveLength(512)
    }
  })

  it('keeps archives where asked to, and unpacks those without fetching', async () => {
    const source = sourceOf(file('images_1.tar.gz', { md5: hex('md5', tar) }))
    await get(source, { keepArchives: true })
    expect(visible()).toContain('images_1.tar.gz')
    rmSync(join(folder, 'images'), { recursive: true })
    server.requests = []
    await get(source, { keepArchives: true })
    expect(server.requests).toEqual([])
    expect(readdirSync(join(folder, 'images'))).toContain('block.png')
  })

  it('takes the first archives only', async () => {
    const source = sourceOf(file('table.csv'), file('images_1.tar.gz'), file('images_2.tar.gz'))
    expect((await get(source, { archives: 1 })).map(({ name }) => name)).toEqual([
      'table.csv',
      'images_1.tar.gz',
    ])
    await expect(get(sourceOf(file('table.csv')), { archives: 1 })).rejects.toThrow(/does not apply/)
  })

  it('refuses wrong bytes and keeps nothing of them', async () => {
    const wanted = hex('md5', Buffer.from('other'))
    const source = sourceOf(file('large.npz', { md5: wanted }))
    await expect(get(source)).rejects.toThrow(
      `/mirror/large.npz has the MD5 ${hex('md5', large)}, expected was ${wanted}. It is not the published file`,
    )
    expect(visible()).toEqual([])
  })

  it('compares a second download with the first where nothing is published', async () => {
    const source = sourceOf(file('table.csv'))
    expect((await get(source))[0]?.checked).toBe(false)
    rmSync(join(folder, 'table.csv'))
    expect((await get(source))[0]).toMatchObject({ status: 'fetched', checked: true })
    rmSync(join(folder, 'table.csv'))
    server.answer = serve(Buffer.from('image,Mass\na.png,0\n'))
    await expect(get(source)).rejects.toThrow(/It was another file on \d{4}-\d\d-\d\d. Delete .*record.json/)
    expect(visible()).toEqual([])
  })

  it('takes a file that was put there by hand, once it is the right one', async () => {
    const source = sourceOf(file('large.npz', { md5: hex('md5', large) }))
    writeFileSync(join(folder, 'large.npz'), large.subarray(0, 500))
    await expect(get(source)).rejects.toThrow(DataError)
    await expect(get(source)).rejects.toThrow(/large.npz has the MD5 .* Move it away or delete it/)
    writeFileSync(join(folder, 'large.npz'), large)
    expect(await get(source)).toMatchObject([{ status: 'there', checked: true }])
    expect(server.requests).toEqual([])
  })

  it('says what to do where a file is not on the server', async () => {
    const missing = get(sourceOf(file('gone.npz')))
    await expect(missing).rejects.toThrow(
      /mirror\/gone.npz does not exist on the server \(404\). Or get gone.npz from https:\/\/publisher.invalid\/page .* put it into .*, and run the same command again/,
    )
  })

  it('refuses to begin what the disk has no room for', async () => {
    const source = sourceOf(file('table.csv', { bytes: 1e18 }))
    await expect(get(source)).rejects.toThrow(/free, Test needs about 1000000 TB. Free some/)
    expect(server.requests).toEqual([])
  })

  it('is one at a time in a folder', async () => {
    server.answer = () => undefined
    const abort = new AbortController()
    const first = get(sourceOf(file('table.csv')), { signal: abort.signal })
    // A lock of this very process is taken over, as after a restart of a container: another one is made up.
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    writeFileSync(join(folder, '.plurad-get', 'lock'), `1 elsewhere x\n`)
    await expect(get(sourceOf(file('table.csv')))).rejects.toThrow(RunError)
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
  })

  it('refuses a mirror that is no address, and a record that is no record', async () => {
    await expect(get(sourceOf(file('table.csv')), { mirror: 'files.example.org' })).rejects.toThrow(
      UsageError,
    )
    mkdirSync(join(folder, '.plurad-get'), { recursive: true })
    writeFileSync(join(folder, '.plurad-get', 'record.json'), '{"files":')
    await expect(get(sourceOf(file('table.csv')))).rejects.toThrow(/record.json is damaged. Delete it/)
  })
})

describe('sources', () => {
  it('are found by name, with a hint for what is nearly one', () => {
    expect(sourceNamed('ChestMNIST_64').files[0]?.md5).toBe('9de6cd0b934ebb5b7426cfba5efbae16')
    expect(() => sourceNamed('chestminst')).toThrow(/Did you mean "chestmnist"\?.*--list/)
  })

  it.each(sources.map((source) => [source.name, source] as const))('%s is complete', (_name, source) => {
    expect(source.files.length).toBeGreaterThan(0)
    expect(new Set(source.files.map(({ name }) => name)).size).toBe(source.files.length)
    for (const { name, url, md5, sha256, unpack, bytes } of source.files) {
      expect(url).toMatch(/^https:\/\//)
      expect(name).toMatch(/^[\w.-]+$/)
      expect(unpack).toBe(/\.tar\.gz$/.test(name))
      // Every file here has a checksum from its publisher.
      expect(md5 ?? sha256).toMatch(/^([0-9a-f]{32}|[0-9a-f]{64})$/)
      if (bytes !== null) expect(bytes).toBeGreaterThan(0)
    }
    expect(source.licence.terms).toMatch(/\.$/)
    expect(source.licence.url).toMatch(/^https:\/\//)
    expect(source.citations.length).toBeGreaterThan(0)
    expect(source.images * source.labels).toBeGreaterThan(0)
  })

  it('have names, addresses and checksums of their own', () => {
    const of = (pick: (file: SourceFile) => string | null) => sources.flatMap(({ files }) => files.map(pick))
    for (const values of [
      sources.map(({ name }) => name),
      of(({ url }) => url),
      of(({ md5, sha256 }) => md5 ?? sha256),
    ])
      expect(new Set(values).size).toBe(values.length)
  })

  it("hold NIH's figures: 45 GB in 12 archives", () => {
    const nih = sourceNamed('nih-chestxray14')
    expect(nih.files.filter(({ unpack }) => unpack)).toHaveLength(12)
    expect(nih.atMost / 1e9).toBeCloseTo(45.1, 1)
  })
})
