import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { breakAfter, FileServer, serve } from '../../test/file-server.js'
import { UsageError } from '../errors.js'
import { findUnzipper, installLibtorch, urlsOf } from './setup.js'

const ELF_MACHINE: Record<string, number> = { x64: 62, arm64: 183, ppc64: 21, riscv64: 243, s390x: 22 }

let folder: string
let server: FileServer
let base: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-setup-'))
  server = await FileServer.start()
  base = server.base
})
afterEach(async () => {
  await server.stop()
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

describe.skipIf(process.platform !== 'linux' || findUnzipper() === null)('installLibtorch', () => {
  it('downloads through a break, checks, unpacks and puts the whole into the cache', async () => {
    const zip = libtorchZip()
    const broken = breakAfter(zip, 100_000, join(folder, '.download/libtorch-2.6.0+cpu.zip.part'))
    server.answer = (request, response) =>
      (server.requests.length === 1 ? broken : serve(zip))(request, response)
    const lines: string[] = []
    const installed = await installLibtorch({
      from: `${base}/libtorch-2.6.0%2Bcpu.zip`,
      sha256: sha256(zip).toUpperCase(),
      folder,
      retryDelay: 1,
      onLine: (line) => lines.push(line),
    })
    expect(server.requests[1]?.range).toBe('bytes=100000-')
    expect(installed).toMatchObject({
      root: join(folder, '2.6.0-cpu/libtorch'),
      version: '2.6.0',
      cuda: false,
    })
    expect(readFileSync(join(installed.root, 'lib/large.bin')).equals(Buffer.alloc(300_000, 7))).toBe(true)
    expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(['2.6.0-cpu'])
    expect(readdirSync(join(folder, '.download'))).toEqual([])
    expect(lines[0]).toBe(`downloading ${base}/libtorch-2.6.0%2Bcpu.zip`)

    server.requests = []
    expect(await installLibtorch({ folder, version: '2.6.0' })).toEqual(installed)
    expect(server.requests).toEqual([])
  })

  it('takes a file, and replaces what the cache held of that version', async () => {
    const zip = libtorchZip()
    const file = join(folder, 'libtorch.zip')
    writeFileSync(file, zip)
    mkdirSync(join(folder, 'cache/2.6.0-cpu/stale'), { recursive: true })
    const installed = await installLibtorch({ from: file, folder: join(folder, 'cache') })
    expect(readdirSync(join(folder, 'cache/2.6.0-cpu'))).toEqual(['libtorch'])
    expect(installed.version).toBe('2.6.0')
    expect(readFileSync(file).equals(zip)).toBe(true)
  })

  it('unpacks nothing when the checksum is wrong', async () => {
    const file = join(folder, 'libtorch.zip')
    writeFileSync(file, libtorchZip())
    const cache = join(folder, 'cache')
    const wrong = installLibtorch({ from: file, sha256: 'b'.repeat(64), folder: cache })
    await expect(wrong).rejects.toThrow(/It was not unpacked/)
    server.answer = serve(libtorchZip())
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
