import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cacheFolder, compareVersions, describePlace, discoverLibtorch } from '../native/discover.mjs'

const ELF_MACHINE: Record<string, number> = { x64: 62, arm64: 183, ppc64: 21, riscv64: 243, s390x: 22 }
const MODERN = '_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE'
const OLD = '_ZN3c105ErrorC1ENS_14SourceLocationESs'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'plurad-discover-'))
})
afterEach(() => {
  rmSync(home, { recursive: true, force: true })
})

function put(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

/** The first bytes of a shared library for one processor, with one symbol after them. */
function elf(symbol = '', machine = ELF_MACHINE[process.arch] ?? 62): Buffer {
  const head = Buffer.alloc(64)
  head.write('\x7fELF\x02\x01\x01', 'latin1')
  head.writeUInt16LE(3, 16)
  head.writeUInt16LE(machine, 18)
  return Buffer.concat([head, Buffer.from(symbol)])
}

interface FakeOptions {
  version?: string
  lib?: string
  symbol?: string
  cmakeAbi?: 0 | 1
  cuda?: boolean
}

/** Lays out a libtorch as the zip from pytorch.org does. */
function fakeLibtorch(root: string, options: FakeOptions = {}): string {
  const lib = join(root, options.lib ?? 'lib')
  const [major, minor, patch] = (options.version ?? '2.6.0').split('.')
  const defines = Object.entries({ MAJOR: major, MINOR: minor, PATCH: patch })
  put(
    join(root, 'include/torch/csrc/api/include/torch/version.h'),
    defines.map(([name, value]) => `#define TORCH_VERSION_${name} ${value}\n`).join(''),
  )
  put(join(root, 'include/ATen/core/dispatch/Dispatcher.h'), '')
  for (const name of ['torch', 'torch_cpu']) put(join(lib, `lib${name}.so`), elf())
  put(join(lib, 'libc10.so'), elf(options.symbol))
  if (options.cuda) for (const name of ['torch_cuda', 'c10_cuda']) put(join(lib, `lib${name}.so`), elf())
  if (options.cmakeAbi !== undefined) {
    put(
      join(root, 'share/cmake/Torch/TorchConfig.cmake'),
      `set(TORCH_CXX_FLAGS "-D_GLIBCXX_USE_CXX11_ABI=${options.cmakeAbi}")\n`,
    )
  }
  return root
}

/** Looks with an empty PATH, an empty cache and no system libtorch, unless told otherwise. */
function look(env: NodeJS.ProcessEnv = {}, all = false) {
  return discoverLibtorch({
    env: { HOME: home, PATH: '', ...env },
    systemPrefix: join(home, 'usr'),
    all,
  })
}

/** The reason for which the one root named by PLURAD_LIBTORCH was passed over. */
function reasonFor(root: string): string | null | undefined {
  const { libtorch, places } = look({ PLURAD_LIBTORCH: root })
  expect(libtorch).toBeNull()
  expect(places).toHaveLength(1)
  return places[0]?.reason
}

function fakePython(folder: string, body: string): string {
  const file = join(folder, 'python3')
  put(file, `#!/bin/sh\n${body}\n`)
  chmodSync(file, 0o755)
  return folder
}

describe.skipIf(process.platform !== 'linux')('discoverLibtorch', () => {
  it('describes the root that PLURAD_LIBTORCH names', () => {
    const root = fakeLibtorch(join(home, 'libtorch'), { symbol: MODERN, cmakeAbi: 1 })
    expect(look({ PLURAD_LIBTORCH: root }).libtorch).toEqual({
      root,
      origin: 'env',
      version: '2.6.0',
      includeDirs: [join(root, 'include'), join(root, 'include/torch/csrc/api/include')],
      libDir: join(root, 'lib'),
      libraries: ['libtorch.so', 'libtorch_cpu.so', 'libc10.so'].map((name) => join(root, 'lib', name)),
      cxx11Abi: true,
      cuda: false,
    })
  })

  it('takes the folder above the unpacked zip, and a prefix with the libraries below lib/<triplet>', () => {
    fakeLibtorch(join(home, 'download/libtorch'))
    expect(look({ PLURAD_LIBTORCH: join(home, 'download') }).libtorch?.root).toBe(
      join(home, 'download/libtorch'),
    )

    const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
    fakeLibtorch(join(home, 'debian/usr'), { lib: `lib/${triplet}` })
    expect(look({ PLURAD_LIBTORCH: join(home, 'debian') }).libtorch?.libDir).toBe(
      join(home, 'debian/usr/lib', triplet),
    )
  })

  it('links the CUDA libraries where both are there', () => {
    const root = fakeLibtorch(join(home, 'cuda'), { cuda: true })
    const found = look({ PLURAD_LIBTORCH: root }).libtorch
    expect(found?.cuda).toBe(true)
    expect(found?.libraries.slice(3)).toEqual([
      join(root, 'lib/libtorch_cuda.so'),
      join(root, 'lib/libc10_cuda.so'),
    ])

    rmSync(join(root, 'lib/libc10_cuda.so'))
    expect(look({ PLURAD_LIBTORCH: root }).libtorch).toMatchObject({ cuda: false })
  })

  it('reads the old C++ ABI from the library, from TorchConfig.cmake, and from the age of a wheel', () => {
    const binary = fakeLibtorch(join(home, 'binary'), { symbol: OLD })
    const cmake = fakeLibtorch(join(home, 'cmake'), { cmakeAbi: 0 })
    const wheel = fakeLibtorch(join(home, 'wheel'), { version: '2.5.1' })
    put(join(wheel, 'version.py'), "__version__ = '2.5.1+cpu'\n")
    const newWheel = fakeLibtorch(join(home, 'new-wheel'), { version: '2.6.0' })
    put(join(newWheel, 'version.py'), "__version__ = '2.6.0+cpu'\n")

    const abi = (root: string) => look({ PLURAD_LIBTORCH: root }).libtorch?.cxx11Abi
    expect([binary, cmake, wheel, newWheel].map(abi)).toEqual([false, false, false, true])
  })

  it('refuses a folder whose library and TorchConfig.cmake are of different builds', () => {
    const root = fakeLibtorch(join(home, 'mixed'), { symbol: MODERN, cmakeAbi: 0 })
    expect(reasonFor(root)).toBe(
      'TorchConfig.cmake says _GLIBCXX_USE_CXX11_ABI=0 but libc10.so was built with _GLIBCXX_USE_CXX11_ABI=1: ' +
        'the folder mixes two builds, unpack one into an empty folder',
    )
  })

  it('names what a root lacks', () => {
    expect(reasonFor(join(home, 'nowhere'))).toBe('no such folder')

    put(join(home, 'file'), '')
    expect(reasonFor(join(home, 'file'))).toBe('not a folder; it has to hold include/ and lib/')

    mkdirSync(join(home, 'empty'))
    expect(reasonFor(join(home, 'empty'))).toBe('no include/ folder with the C++ headers')

    const root = fakeLibtorch(join(home, 'libtorch'))
    rmSync(join(root, 'lib/libtorch_cpu.so'))
    expect(reasonFor(root)).toBe('lib/libtorch_cpu.so is missing')
    rmSync(join(root, 'lib/libtorch.so'))
    expect(reasonFor(root)).toBe('no libtorch.so in lib/ or the folders below it')
    rmSync(join(root, 'include/ATen'), { recursive: true })
    expect(reasonFor(root)).toBe('headers are incomplete: include/ATen/core/dispatch/Dispatcher.h is missing')
  })

  it('refuses a broken download, another processor and a version that is too old', () => {
    const broken = fakeLibtorch(join(home, 'broken'))
    put(join(broken, 'lib/libtorch_cpu.so'), 'not a library at all, but a page that says 404')
    expect(reasonFor(broken)).toBe('lib/libtorch_cpu.so is not a shared library (a broken download?)')

    const [other, machine] = process.arch === 'arm64' ? ['x64', 62] : ['arm64', 183]
    const foreign = fakeLibtorch(join(home, 'foreign'))
    put(join(foreign, 'lib/libtorch.so'), elf('', machine))
    expect(reasonFor(foreign)).toBe(`lib/libtorch.so is for ${other}, this Node runs on ${process.arch}`)

    const old = fakeLibtorch(join(home, 'old'), { version: '1.8.1' })
    expect(reasonFor(old)).toBe('version 1.8.1 is older than 1.13, the oldest that is supported')
  })

  it('reads the version from build-version or version.py where the header is missing', () => {
    const root = fakeLibtorch(join(home, 'libtorch'))
    rmSync(join(root, 'include/torch/csrc/api/include/torch/version.h'))
    expect(reasonFor(root)).toMatch(/^its version cannot be read/)
    put(join(root, 'version.py'), "__version__ = '2.4.1+cu121'\n")
    expect(look({ PLURAD_LIBTORCH: root }).libtorch?.version).toBe('2.4.1+cu121')
    put(join(root, 'build-version'), '2.3.0+cpu\n')
    expect(look({ PLURAD_LIBTORCH: root }).libtorch?.version).toBe('2.3.0+cpu')
  })

  it('reads the version where newer releases keep it', () => {
    const root = fakeLibtorch(join(home, 'libtorch'))
    const old = join(root, 'include/torch/csrc/api/include/torch/version.h')
    put(
      join(root, 'include/torch/headeronly/version.h'),
      readFileSync(old, 'utf8').replace('MINOR 6', 'MINOR 13'),
    )
    put(old, '#include <torch/headeronly/version.h>\n')
    expect(look({ PLURAD_LIBTORCH: root }).libtorch?.version).toBe('2.13.0')
  })

  it('goes on from the system to Python to the cache, newest first, and stops at the first', () => {
    const cache = cacheFolder({ HOME: home })
    fakeLibtorch(join(cache, '2.6.0-cpu/libtorch'), { version: '2.6.0' })
    fakeLibtorch(join(cache, '2.10.0-cpu/libtorch'), { version: '2.10.0' })
    mkdirSync(join(cache, '.partial'), { recursive: true })
    expect(look().libtorch).toMatchObject({ origin: 'cache', version: '2.10.0' })

    const torch = fakeLibtorch(join(home, 'site-packages/torch'), { version: '2.5.0' })
    const PATH = fakePython(join(home, 'bin'), `echo ${torch}`)
    expect(look({ PATH }).libtorch).toMatchObject({ origin: 'python', root: torch })

    fakeLibtorch(join(home, 'usr'), { version: '1.13.1' })
    const first = look({ PATH })
    expect(first.libtorch).toMatchObject({ origin: 'system', version: '1.13.1' })
    expect(first.places).toHaveLength(1)

    const everywhere = look({ PATH }, true)
    expect(everywhere.libtorch).toEqual(first.libtorch)
    expect(everywhere.places.map(({ origin, libtorch }) => [origin, libtorch?.version ?? null])).toEqual([
      ['system', '1.13.1'],
      ['python', '2.5.0'],
      ['python', null],
      ['cache', '2.10.0'],
      ['cache', '2.6.0'],
    ])
  })

  it('does not look further than a PLURAD_LIBTORCH that cannot be used', () => {
    fakeLibtorch(join(home, 'usr'))
    expect(reasonFor(join(home, 'typo'))).toBe('no such folder')
  })

  it('says why each place was passed over', () => {
    const PATH = fakePython(join(home, 'bin'), 'echo "ImportError: broken" >&2; exit 1')
    expect(look({ PATH }).places.map(describePlace)).toEqual([
      `system: ${home}/usr: no ${home}/usr/include/torch; the Debian package is libtorch-dev`,
      `python: ${home}/bin/python3: it did not answer: ImportError: broken`,
      'python: python: no python on the PATH',
      `cache: ${home}/.cache/plurad/libtorch: no such folder; \`plurad setup\` fills it`,
    ])
  })

  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' })

  it.skipIf(python.status !== 0)(
    'asks a real Python without importing torch, and ignores a folder called torch',
    () => {
      const PATH = dirname(python.stdout.trim())
      const site = join(home, 'site')
      fakeLibtorch(join(site, 'torch'))
      put(join(site, 'torch/__init__.py'), 'raise RuntimeError("imported")\n')
      const found = look({ PATH, PYTHONPATH: site, PYTHONNOUSERSITE: '1' }).libtorch
      expect(found).toMatchObject({ origin: 'python', root: join(site, 'torch') })

      const before = process.cwd()
      try {
        fakeLibtorch(join(home, 'work/torch'))
        process.chdir(join(home, 'work'))
        expect(look({ PATH }).places.map((place) => place.libtorch?.root)).not.toContain(
          join(home, 'work/torch'),
        )
      } finally {
        process.chdir(before)
      }
    },
  )
})

describe('cacheFolder', () => {
  it('honours XDG_CACHE_HOME', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/home/a' })).toBe('/x/plurad/libtorch')
    expect(cacheFolder({ HOME: '/home/a' })).toBe('/home/a/.cache/plurad/libtorch')
  })
})

describe('compareVersions', () => {
  it('orders by number and ignores what follows + or -', () => {
    const sorted = ['2.10.0-cpu', '2.6.0+cu124', '1.13', '2.6.1'].sort(compareVersions)
    expect(sorted).toEqual(['1.13', '2.6.0+cu124', '2.6.1', '2.10.0-cpu'])
    expect(compareVersions('1.13.0', '1.13')).toBe(0)
  })
})
