import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { breakAfter, ETAG, FileServer, serve, type Answer } from '../test/file-server.js'
import { download, NotFoundError } from './download.js'
import { PluradError } from './errors.js'

let folder: string
let target: string
let server: FileServer
let url: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-download-'))
  target = join(folder, 'file')
  server = await FileServer.start()
  url = `${server.base}/file`
})
afterEach(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const hex = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest('hex')
const data = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251))
const sha256 = hex('sha256', data)
const md5 = hex('md5', data)

/** The first request gets the first answer, and so on; the last one stays. */
function inTurn(...answers: Answer[]): void {
  server.answer = (request, response) =>
    answers[Math.min(server.requests.length, answers.length) - 1]?.(request, response)
}

const ranges = () => server.requests.map(({ range }) => range)

describe('download', () => {
  it('takes a broken transfer up where it broke', async () => {
    inTurn(breakAfter(data, 120_000, `${target}.part`), serve(data))
    const progress: [number, number | null][] = []
    const said: string[] = []
    const digest = await download(url, target, {
      sha256,
      md5,
      retryDelay: 1,
      onProgress: (received, total) => progress.push([received, total]),
      onRetry: (reason) => said.push(reason),
    })
    expect(digest).toEqual({ sha256, md5, bytes: 200_000 })
    expect(readFileSync(target).equals(data)).toBe(true)
    expect(server.requests).toEqual([
      { url: '/file', range: undefined, ifRange: undefined },
      { url: '/file', range: 'bytes=120000-', ifRange: ETAG },
    ])
    expect(progress.at(-1)).toEqual([200_000, 200_000])
    expect(said).toHaveLength(1)
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('keeps what has arrived for the next call when attempts run out', async () => {
    server.answer = breakAfter(data, 50_000, `${target}.part`)
    await expect(download(url, target, { retries: 0 })).rejects.toThrow(/run the same command again/)
    expect(statSync(`${target}.part`).size).toBe(50_000)
    server.answer = serve(data)
    await download(url, target, { sha256 })
    expect(ranges()).toEqual([undefined, 'bytes=50000-'])
  })

  it('counts attempts anew whenever something has arrived', async () => {
    inTurn(...Array.from({ length: 9 }, () => breakAfter(data, 20_000, `${target}.part`)), serve(data))
    await download(url, target, { sha256, retries: 1, retryDelay: 1 })
    expect(server.requests).toHaveLength(10)
  })

  it('does not go on for ever with a server that starts again and breaks at the same place', async () => {
    server.answer = (_request, response) => {
      response.writeHead(200, { etag: ETAG, 'content-length': data.length })
      response.write(data.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20))
    }
    await expect(download(url, target, { retries: 2, retryDelay: 1 })).rejects.toThrow(
      /could not be downloaded/,
    )
    // Once more than without the first piece, which counted as progress.
    expect(server.requests.length).toBeLessThanOrEqual(4)
  })

  it('starts again when the file on the server is another one by now', async () => {
    server.answer = breakAfter(data, 50_000, `${target}.part`)
    await expect(download(url, target, { retries: 0 })).rejects.toThrow(PluradError)
    const other = Buffer.alloc(60_000, 1)
    server.answer = serve(other, '"second"')
    await download(url, target)
    expect(readFileSync(target).equals(other)).toBe(true)
  })

  it('takes the whole from a server that knows no ranges', async () => {
    inTurn(breakAfter(data, 50_000, `${target}.part`), (_request, response) => {
      response.writeHead(200, { etag: ETAG, 'content-length': data.length }).end(data)
    })
    await download(url, target, { sha256, retryDelay: 1 })
    expect(ranges()).toEqual([undefined, 'bytes=50000-'])
    expect(readFileSync(target).equals(data)).toBe(true)
  })

  it('continues without an ETag only where a checksum will tell', async () => {
    const broken = breakAfter(data, 50_000, `${target}.part`, null)
    inTurn(broken, serve(data, null))
    await download(url, target, { sha256, retryDelay: 1 })
    expect(server.requests.at(-1)).toEqual({ url: '/file', range: 'bytes=50000-', ifRange: undefined })

    rmSync(target)
    server.requests = []
    inTurn(broken, serve(data, null))
    await download(url, target, { retryDelay: 1 })
    expect(ranges()).toEqual([undefined, undefined])
  })

  it('fetches all of it again where the pieces do not fit together', async () => {
    writeFileSync(`${target}.part`, Buffer.alloc(50_000, 9))
    writeFileSync(`${target}.part.json`, JSON.stringify({ url, validator: null, total: data.length }))
    server.answer = serve(data, null)
    await download(url, target, { md5 })
    expect(ranges()).toEqual(['bytes=50000-', undefined])
    expect(readFileSync(target).equals(data)).toBe(true)
  })

  it('asks for nothing where all of it had arrived before the program ended', async () => {
    writeFileSync(`${target}.part`, data)
    writeFileSync(`${target}.part.json`, JSON.stringify({ url, validator: ETAG, total: data.length }))
    await download(url, target, { sha256 })
    expect(server.requests).toEqual([])
    expect(readFileSync(target).equals(data)).toBe(true)

    rmSync(target)
    writeFileSync(`${target}.part`, data)
    writeFileSync(`${target}.part.json`, JSON.stringify({ url, validator: ETAG, total: null }))
    server.answer = serve(data)
    await download(url, target, { sha256 })
    expect(ranges()).toEqual(['bytes=200000-'])
  })

  it('refuses a range that was not asked for, and starts again', async () => {
    const other: Answer = (_request, response) => {
      response.writeHead(206, {
        etag: ETAG,
        'content-range': `bytes 10-99/${data.length}`,
        'content-length': 90,
      })
      response.end(data.subarray(10, 100))
    }
    inTurn(breakAfter(data, 50_000, `${target}.part`), other, serve(data))
    await download(url, target, { sha256, retryDelay: 1 })
    expect(ranges()).toEqual([undefined, 'bytes=50000-', undefined])
  })

  it.each([
    ['SHA-256', { sha256: 'a'.repeat(64) }, sha256] as const,
    ['MD5', { md5: 'b'.repeat(32) }, md5] as const,
  ])('refuses a wrong %s and leaves nothing behind', async (kind, expected, actual) => {
    server.answer = serve(data)
    const [wanted] = Object.values(expected)
    await expect(download(url, target, { ...expected, ifWrong: 'Ask.' })).rejects.toThrow(
      `has the ${kind} ${actual}, expected was ${wanted}. Ask.`,
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses a web page in the place of a file', async () => {
    server.answer = (_request, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end('<html>Please log in</html>')
    await expect(download(url, target)).rejects.toThrow(/a web page instead of the file/)
    expect(server.requests).toHaveLength(1)
    expect(readdirSync(folder)).toEqual([])
  })

  it('follows redirects', async () => {
    server.answer = (request, response) => {
      if (request.url === '/file') response.writeHead(302, { location: '/elsewhere' }).end()
      else serve(data)(request, response)
    }
    await download(url, target, { sha256 })
    expect(server.requests.map(({ url }) => url)).toEqual(['/file', '/elsewhere'])
  })

  it('waits as long as a busy server asks it to', async () => {
    const busy: Answer = (_request, response) => response.writeHead(503, { 'retry-after': '0' }).end()
    inTurn(busy, busy, serve(data))
    const waited: number[] = []
    // The delay of its own would take longer than the test may.
    await download(url, target, { retryDelay: 1e9, onRetry: (_reason, seconds) => waited.push(seconds) })
    expect(waited).toEqual([0, 0])
  })

  it.each([403, 401, 410])('does not repeat a request that is answered %i', async (status) => {
    server.answer = (_request, response) => response.writeHead(status).end()
    await expect(download(url, target)).rejects.toThrow(`answered ${status}`)
    expect(server.requests).toHaveLength(1)
  })

  it('says that a file is not there', async () => {
    await expect(download(url, target)).rejects.toThrow(NotFoundError)
    expect(server.requests).toHaveLength(1)
  })

  it('gives up on a connection that delivers nothing', async () => {
    server.answer = (_request, response) => response.writeHead(200, { 'content-length': 10 }).flushHeaders()
    await expect(download(url, target, { retries: 0, idleTimeout: 50 })).rejects.toThrow(/no data for 0.05 s/)
  })

  it('says at once where nothing can be written', async () => {
    server.answer = serve(data)
    mkdirSync(`${target}.part`)
    await expect(download(url, target)).rejects.toThrow(/file.part could not be written/)
    expect(server.requests).toHaveLength(1)
  })

  it('stops when asked to, and goes on from there', async () => {
    server.answer = breakAfter(data, 70_000, `${target}.part`)
    const abort = new AbortController()
    const stopped = download(url, target, {
      signal: abort.signal,
      retryDelay: 1e9,
      onRetry: () => abort.abort(new Error('enough')),
    })
    await expect(stopped).rejects.toThrow('enough')
    server.answer = serve(data)
    await download(url, target, { sha256 })
    expect(ranges()).toEqual([undefined, 'bytes=70000-'])
  })
})
