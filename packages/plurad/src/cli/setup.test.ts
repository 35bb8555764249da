import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PluradError, UsageError } from '../errors.js'
import { download } from './download.js'
import { findUnzipper, installLibtorch, urlsOf } from './setup.js'

const ELF_MACHINE: Record<string, number> = { x64: 62, arm64: 183, ppc64: 21, riscv64: 243, s390x: 22 }
const ETAG = '"first"'

let folder: string
let server: Server
let answer: (request: IncomingMessage, response: ServerResponse) => void
let requests: { url: string; range: string | undefined; ifRange: string | undefined }[]
let base: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-setup-'))
  requests = []
  server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers
    requests.push({
      url: request.url ?? '',
      range,
      ifRange: typeof ifRange === 'string' ? ifRange : undefined,
    })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

/** A zip of stored (uncompressed) entries: local headers, central directory, end record (APPNOTE 4.3). */
function zipOf(entries: Record<string, Buffer>): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [name, data] of Object.entries(entries)) {
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x21, 8)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(name.length, 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data])
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, tail, Buffer.from(name)]),
    )
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(central.length, 8)
  end.writeUInt16LE(central.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

/** The least that passes for a libtorch, as the zip from pytorch.org lays it out, and a large file. */
function libtorchZip(): Buffer {
  const elf = Buffer.alloc(64)
  elf.write('\x7fELF\x02\x01\x01', 'latin1')
  elf.writeUInt16LE(ELF_MACHINE[process.arch] ?? 62, 18)
  const version =
    '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 6\n#define TORCH_VERSION_PATCH 0\n'
  return zipOf({
    'libtorch/include/ATen/core/dispatch/Dispatcher.h': Buffer.from('//\n'),
    'libtorch/include/torch/csrc/api/include/torch/version.h': Buffer.from(version),
    'libtorch/lib/libtorch.so': elf,
    'libtorch/lib/libtorch_cpu.so': elf,
    'libtorch/lib/libc10.so': elf,
    'libtorch/lib/large.bin': Buffer.alloc(300_000, 7),
  })
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Serves a file with ranges, as pytorch.org does. */
function serve(data: Buffer, etag = ETAG): typeof answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1])
    const partial = start > 0 && request.headers['if-range'] === etag
    const body = partial ? data.subarray(start) : data
    const range = `bytes ${start}-${data.length - 1}/${data.length}`
    response.writeHead(partial ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(partial && { 'content-range': range }),
    })
    response.end(body)
  }
}

/** Announces the whole file, and breaks the connection once `count` bytes of it lie in the partial file. */
function breakAfter(data: Buffer, count: number, part: string): typeof answer {
  return (_request, response) => {
    response.writeHead(200, { etag: ETAG, 'content-length': data.length })
    response.write(data.subarray(0, count))
    const arrived = () => statSync(part, { throwIfNoEntry: false })?.size === count
    const timer = setInterval(() => {
      if (!arrived()) return
      clearInterval(timer)
      response.destroy()
    }, 5)
    response.on('close', () => clearInterval(timer))
  }
}

describe('download', () => {
  const data = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251))

  it('takes a broken transfer up where it broke', async () => {
    const broken = breakAfter(data, 120_000, join(folder, 'file.part'))
    answer = (request, response) => (requests.length === 1 ? broken : serve(data))(request, response)
    const progress: [number, number | null][] = []
    const target = join(folder, 'file')
    const actual = await download(`${base}/file`, target, {
      sha256: sha256(data),
      retryDelay: 1,
      onProgress: (received, total) => progress.push([received, total]),
    })
    expect(actual).toBe(sha256(data))
    expect(readFileSync(target)).toEqual(data)
    expect(requests).toEqual([
      { url: '/file', range: undefined, ifRange: undefined },
      { url: '/file', range: 'bytes=120000-', ifRange: ETAG },
    ])
    expect(progress.at(-1)).toEqual([200_000, 200_000])
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('keeps what has arrived for the next call when attempts run out', async () => {
    answer = breakAfter(data, 50_000, join(folder, 'file.part'))
    const target = join(folder, 'file')
    await expect(download(`${base}/file`, target, { retries: 0 })).rejects.toThrow(
      /run the same command again/,
    )
    expect(statSync(`${target}.part`).size).toBe(50_000)

    answer = serve(data)
    await download(`${base}/file`, target, { sha256: sha256(data) })
    expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-'])
  })

  it('starts again when the file on the server is another one by now', async () => {
    answer = breakAfter(data, 50_000, join(folder, 'file.part'))
    const target = join(folder, 'file')
    await expect(download(`${base}/file`, target, { retries: 0 })).rejects.toThrow(PluradError)
    const other = Buffer.alloc(60_000, 1)
    answer = serve(other, '"second"')
    await download(`${base}/file`, target)
    expect(readFileSync(target)).toEqual(other)
  })

  it('refuses a wrong checksum and leaves nothing behind', async () => {
    answer = serve(data)
    const wrong = 'a'.repeat(64)
    await expect(download(`${base}/file`, join(folder, 'file'), { sha256: wrong })).rejects.toThrow(
      `has the SHA-256 ${sha256(data)}, expected was ${wrong}`,
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('gives up on a connection that delivers nothing', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-length': 10 }).flushHeaders()
    const options = { retries: 0, idleTimeout: 50 }
    await expect(download(`${base}/file`, join(folder, 'file'), options)).rejects.toThrow(
      /no data for 0.05 s/,
    )
  })

  it('does not repeat a request that the server refuses', async () => {
    answer = (_request, response) => response.writeHead(403).end()
    await expect(download(`${base}/file`, join(folder, 'file'))).rejects.toThrow(/answered 403/)
    expect(requests).toHaveLength(1)
  })
})

describe.skipIf(process.platform !== 'linux' || findUnzipper() === null)('installLibtorch', () => {
  it('downloads through a break, checks, unpacks and puts the whole into the cache', async () => {
    const zip = libtorchZip()
    const broken = breakAfter(zip, 100_000, join(folder, '.download/libtorch-2.6.0+cpu.zip.part'))
    answer = (request, response) => (requests.length === 1 ? broken : serve(zip))(request, response)
    const lines: string[] = []
    const installed = await installLibtorch({
      from: `${base}/libtorch-2.6.0%2Bcpu.zip`,
      sha256: sha256(zip).toUpperCase(),
      folder,
      retryDelay: 1,
      onLine: (line) => lines.push(line),
    })
    expect(requests[1]?.range).toBe('bytes=100000-')
    expect(installed).toMatchObject({
      root: join(folder, '2.6.0-cpu/libtorch'),
      version: '2.6.0',
      cuda: false,
    })
    expect(readFileSync(join(installed.root, 'lib/large.bin'))).toEqual(Buffer.alloc(300_000, 7))
    expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(['2.6.0-cpu'])
    expect(readdirSync(join(folder, '.download'))).toEqual([])
    expect(lines[0]).toBe(`downloading ${base}/libtorch-2.6.0%2Bcpu.zip`)

    requests = []
    expect(await installLibtorch({ folder, version: '2.6.0' })).toEqual(installed)
    expect(requests).toEqual([])
  })

  it('takes a file, and replaces what the cache held of that version', async () => {
    const zip = libtorchZip()
    const file = join(folder, 'libtorch.zip')
    writeFileSync(file, zip)
    mkdirSync(join(folder, 'cache/2.6.0-cpu/stale'), { recursive: true })
    const installed = await installLibtorch({ from: file, folder: join(folder, 'cache') })
    expect(readdirSync(join(folder, 'cache/2.6.0-cpu'))).toEqual(['libtorch'])
    expect(installed.version).toBe('2.6.0')
    expect(readFileSync(file)).toEqual(zip)
  })

  it('unpacks nothing when the checksum is wrong', async () => {
    const file = join(folder, 'libtorch.zip')
    writeFileSync(file, libtorchZip())
    const cache = join(folder, 'cache')
    const wrong = installLibtorch({ from: file, sha256: 'b'.repeat(64), folder: cache })
    await expect(wrong).rejects.toThrow(/It was not unpacked/)
    answer = serve(libtorchZip())
    const remote = installLibtorch({ from: `${base}/x.zip`, sha256: 'b'.repeat(64), folder: cache })
    await expect(remote).rejects.toThrow(/It was not unpacked/)
    expect(readdirSync(cache)).toEqual(['.download'])
  })

  it('refuses a zip that is damaged or holds something else', async () => {
    const file = join(folder, 'other.zip')
    writeFileSync(file, zipOf({ 'readme.txt': Buffer.from('hello') }))
    const cache = join(folder, 'cache')
    await expect(installLibtorch({ from: file, folder: cache })).rejects.toThrow(
      /is no usable libtorch: no include\/ folder with the C\+\+ headers \(it holds readme.txt\)/,
    )
    writeFileSync(file, libtorchZip().subarray(0, 10_000))
    await expect(installLibtorch({ from: file, folder: cache })).rejects.toThrow(/cannot be unpacked/)
    expect(readdirSync(cache)).toEqual(['.download'])
  })

  it('says which arguments it cannot use', async () => {
    const bad = [
      { version: '2.6' },
      { cuda: '12.4' },
      { sha256: 'abc' },
      { from: join(folder, 'nowhere.zip') },
    ]
    for (const options of bad)
      await expect(installLibtorch({ folder, ...options })).rejects.toThrow(UsageError)
  })
})

describe('urlsOf', () => {
  const server = 'https://download.pytorch.org/libtorch'

  it('follows the names on pytorch.org', () => {
    expect(urlsOf('2.6.0', undefined, 'linux', 'x64')).toEqual([
      `${server}/cpu/libtorch-cxx11-abi-shared-with-deps-2.6.0%2Bcpu.zip`,
    ])
    expect(urlsOf('2.6.0', 'cu124', 'linux', 'x64')).toEqual([
      `${server}/cu124/libtorch-cxx11-abi-shared-with-deps-2.6.0%2Bcu124.zip`,
    ])
    expect(urlsOf('2.9.1', undefined, 'linux', 'x64')[0]).toBe(
      `${server}/cpu/libtorch-shared-with-deps-2.9.1%2Bcpu.zip`,
    )
    expect(urlsOf('2.6.0', undefined, 'darwin', 'arm64')).toEqual([
      `${server}/cpu/libtorch-macos-arm64-2.6.0.zip`,
    ])
  })

  it('says what to do where there is no zip', () => {
    expect(() => urlsOf('2.6.0', undefined, 'linux', 'arm64')).toThrow(/libtorch-dev.*--from/)
  })
})
