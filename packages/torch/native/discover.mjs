/**
 * Finds the libtorch that the addon is compiled and linked against. Node's own modules only: this
 * runs before anything is installed.
 *
 * Order: `PLURAD_LIBTORCH`, the system's, the `torch` package of the Python on the PATH, the user's
 * cache. The first usable one wins. An explicit `PLURAD_LIBTORCH` that cannot be used ends the
 * search: silently taking another libtorch would hide the mistake.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, relative, resolve } from 'node:path'

/** The oldest libtorch that the addon is known to compile against. */
export const OLDEST_VERSION = '1.13'

const SUFFIX = process.platform === 'darwin' ? 'dylib' : 'so'
const REQUIRED = ['torch', 'torch_cpu', 'c10']
const CUDA = ['torch_cuda', 'c10_cuda']
const VERSION_HEADER = 'torch/csrc/api/include/torch/version.h'
/** Where newer releases keep the numbers; the header above only includes it there. */
const NEW_VERSION_HEADER = 'torch/headeronly/version.h'
const PROBE_HEADER = 'ATen/core/dispatch/Dispatcher.h'

const TRIPLETS = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
  s390x: 's390x-linux-gnu',
  loong64: 'loongarch64-linux-gnu',
}
/** ELF e_machine numbers of the processors Node runs on. */
const MACHINES = { x64: 62, arm64: 183, ppc64: 21, riscv64: 243, s390x: 22, loong64: 258 }

/** @param {string} file */
const isFile = (file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
/** @param {string} folder */
const isFolder = (folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false
/** @param {string} name */
const libraryFile = (name) => `lib${name}.${SUFFIX}`

/** Compares dotted versions by number, `2.10` after `2.6`; what follows `+` or `-` does not count. */
export function compareVersions(a, b) {
  const parts = (version) =>
    version
      .split(/[+-]/)[0]
      .split('.')
      .map((part) => Number.parseInt(part, 10) || 0)
  const [left, right] = [parts(a), parts(b)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The folder `plurad setup` fills: `$XDG_CACHE_HOME/plurad/libtorch`, else `~/.cache/plurad/libtorch`. */
export function cacheFolder(env = process.env) {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'plurad', 'libtorch')
}

/**
 * Looks for libtorch.
 *
 * @param {{ env?: NodeJS.ProcessEnv, systemPrefix?: string, all?: boolean }} [options]
 *   `all` goes on after the first usable one, so that every place can be listed.
 * @returns {{ libtorch: object | null, places: object[] }}
 */
export function discoverLibtorch(options = {}) {
  const env = options.env ?? process.env
  const places = []
  const seen = new Set()
  let libtorch = null

  const named = env.PLURAD_LIBTORCH
  const sources = named
    ? [() => [fromRoot('env', resolve(named))]]
    : [
        () => fromSystem(options.systemPrefix ?? '/usr'),
        () => fromPython(env, seen),
        () => fromCache(cacheFolder(env)),
      ]
  for (const source of sources) {
    if (libtorch && !options.all) break
    for (const place of source()) {
      places.push(place)
      libtorch ??= place.libtorch
    }
  }
  return { libtorch, places }
}

/** @returns a place that was looked at: usable (`libtorch`) or passed over (`reason`). */
const passedOver = (origin, path, reason) => ({ origin, path, libtorch: null, reason })

function fromSystem(prefix) {
  if (process.platform !== 'linux') {
    return [passedOver('system', prefix, 'system packages of libtorch are looked for on Linux only')]
  }
  if (!isFolder(join(prefix, 'include', 'torch'))) {
    return [
      passedOver(
        'system',
        prefix,
        `no ${join(prefix, 'include', 'torch')}; the Debian package is libtorch-dev`,
      ),
    ]
  }
  return [inspect('system', prefix, prefix)]
}

function fromPython(env, seen) {
  const places = []
  for (const name of ['python3', 'python']) {
    const executable = onPath(name, env)
    if (!executable) {
      places.push(passedOver('python', name, `no ${name} on the PATH`))
      continue
    }
    const folder = askPython(executable, env)
    if (folder.error) {
      places.push(passedOver('python', executable, folder.error))
    } else if (!seen.has(folder.path)) {
      seen.add(folder.path)
      places.push(fromRoot('python', folder.path))
    }
  }
  return places
}

/**
 * Asks a Python where its torch lies, without importing it (importing takes seconds). The current
 * folder leaves the search path first: a folder called `torch` there would pass for the package.
 */
function askPython(executable, env) {
  const code = [
    'import sys, os, importlib.util',
    'sys.path = [p for p in sys.path if p and os.path.abspath(p) != os.getcwd()]',
    "spec = importlib.util.find_spec('torch')",
    "print(os.path.dirname(spec.origin) if spec and spec.origin else '')",
  ].join('\n')
  const answer = spawnSync(executable, ['-c', code], { encoding: 'utf8', env, timeout: 20_000 })
  if (answer.error || answer.status !== 0) {
    const said = (answer.stderr ?? '').trim().split('\n').at(-1) || answer.error?.message
    return { error: `it did not answer: ${said}` }
  }
  const path = answer.stdout.trim().split('\n').at(-1) ?? ''
  return path ? { path } : { error: 'it has no torch package' }
}

function fromCache(folder) {
  if (!isFolder(folder)) return [passedOver('cache', folder, 'no such folder; `plurad setup` fills it')]
  const names = readdirSync(folder)
    .filter((name) => !name.startsWith('.') && isFolder(join(folder, name)))
    .sort((a, b) => compareVersions(b, a) || (a < b ? 1 : -1))
  if (names.length === 0) return [passedOver('cache', folder, 'empty; `plurad setup` fills it')]
  return names.map((name) => fromRoot('cache', join(folder, name)))
}

/** A root given by name: the folder itself, or one that holds it as `libtorch`, `torch` or `usr`. */
function fromRoot(origin, named) {
  if (!existsSync(named)) return passedOver(origin, named, 'no such folder')
  if (!isFolder(named)) return passedOver(origin, named, 'not a folder; it has to hold include/ and lib/')
  const nested = ['', 'libtorch', 'torch', 'usr'].map((name) => join(named, name))
  const root = nested.find((folder) => isFolder(join(folder, 'include', 'ATen')))
  return inspect(origin, root ?? named, named)
}

/** Checks one root: headers, libraries, processor, version and ABI, in the order in which a person would. */
function inspect(origin, root, shown) {
  const pass = (reason) => passedOver(origin, shown, reason)

  const include = join(root, 'include')
  if (!isFolder(include)) return pass('no include/ folder with the C++ headers')
  if (!isFile(join(include, PROBE_HEADER))) {
    return pass(`headers are incomplete: include/${PROBE_HEADER} is missing`)
  }

  const libDir = libraryFolder(root)
  if (!libDir) return pass(`no ${libraryFile('torch')} in lib/ or the folders below it`)
  for (const name of REQUIRED) {
    const file = join(libDir, libraryFile(name))
    if (!isFile(file)) return pass(`${relative(root, file)} is missing`)
    const wrong = wrongBinary(file)
    if (wrong) return pass(`${relative(root, file)} ${wrong}`)
  }

  const version = readVersion(root, include)
  if (!version)
    return pass(`its version cannot be read: neither include/${VERSION_HEADER} nor build-version is there`)
  if (compareVersions(version, OLDEST_VERSION) < 0) {
    return pass(`version ${version} is older than ${OLDEST_VERSION}, the oldest that is supported`)
  }

  const stated = statedAbi(root, libDir)
  const actual = binaryAbi(join(libDir, libraryFile('c10')))
  if (stated !== null && actual !== null && stated !== actual) {
    const say = (abi) => `_GLIBCXX_USE_CXX11_ABI=${abi ? 1 : 0}`
    return pass(
      `TorchConfig.cmake says ${say(stated)} but ${libraryFile('c10')} was built with ${say(actual)}: ` +
        'the folder mixes two builds, unpack one into an empty folder',
    )
  }
  const wheelDefault = !(isFile(join(root, 'version.py')) && compareVersions(version, '2.6') < 0)

  const cudaLibraries = CUDA.filter((name) => isFile(join(libDir, libraryFile(name))))
  const cuda = cudaLibraries.length === CUDA.length
  const libraries = [...REQUIRED, ...(cuda ? cudaLibraries : [])].map((name) =>
    join(libDir, libraryFile(name)),
  )
  const libtorch = {
    root,
    origin,
    version,
    includeDirs: [include, join(include, 'torch/csrc/api/include')],
    libDir,
    libraries,
    cxx11Abi: actual ?? stated ?? wheelDefault,
    cuda,
  }
  return { origin, path: shown, libtorch, reason: null }
}

function libraryFolder(root) {
  const triplet = TRIPLETS[process.arch]
  const folders = ['lib', ...(triplet ? [`lib/${triplet}`] : []), 'lib64'].map((name) => join(root, name))
  return folders.find((folder) => isFile(join(folder, libraryFile('torch'))))
}

/** Why a file is not a shared library for this processor, or null. */
function wrongBinary(file) {
  if (SUFFIX !== 'so') return null
  const head = Buffer.alloc(20)
  const descriptor = openSync(realpathSync(file), 'r')
  const read = readSync(descriptor, head, 0, head.length, 0)
  closeSync(descriptor)
  if (read < head.length || head.toString('latin1', 1, 4) !== 'ELF')
    return 'is not a shared library (a broken download?)'
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
  const wanted = MACHINES[process.arch]
  if (wanted === undefined || machine === wanted) return null
  const built = Object.keys(MACHINES).find((arch) => MACHINES[arch] === machine) ?? `machine ${machine}`
  return `is for ${built}, this Node runs on ${process.arch}`
}

function readVersion(root, include) {
  for (const header of [VERSION_HEADER, NEW_VERSION_HEADER].map((name) => join(include, name))) {
    if (!isFile(header)) continue
    const text = readFileSync(header, 'utf8')
    const part = (name) => new RegExp(`^#define TORCH_VERSION_${name} (\\d+)`, 'm').exec(text)?.[1]
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map(part)
    if (parts.every((value) => value !== undefined)) return parts.join('.')
  }
  const plain = join(root, 'build-version')
  if (isFile(plain)) return readFileSync(plain, 'utf8').trim() || null
  const python = join(root, 'version.py')
  if (isFile(python))
    return /^__version__\s*=\s*['"]([^'"]+)['"]/m.exec(readFileSync(python, 'utf8'))?.[1] ?? null
  return null
}

/** The C++ ABI that TorchConfig.cmake states, or null where it does not. */
function statedAbi(root, libDir) {
  const places = [join(root, 'share/cmake/Torch'), join(libDir, 'cmake/Torch'), join(root, 'lib/cmake/Torch')]
  for (const place of places) {
    const file = join(place, 'TorchConfig.cmake')
    if (!isFile(file)) continue
    const stated = /_GLIBCXX_USE_CXX11_ABI=([01])/.exec(readFileSync(file, 'utf8'))
    if (stated) return stated[1] === '1'
  }
  return null
}

/**
 * The C++ ABI that a library was really built with: the constructor of `c10::Error` takes a string,
 * whose mangled name differs between the two. Null where the symbol is not there.
 */
function binaryAbi(file) {
  const bytes = readFileSync(file)
  const symbol = '_ZN3c105ErrorC1ENS_14SourceLocationE'
  const at = bytes.indexOf(symbol)
  if (at < 0) return null
  const argument = bytes.toString('latin1', at + symbol.length, at + symbol.length + 11)
  if (argument.startsWith('Ss')) return false
  return argument.startsWith('NSt7__cxx11') ? true : null
}

function onPath(name, env) {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder && isFile(join(folder, name))) return join(folder, name)
  }
  return null
}

/** One line a place, for people: what was found, or why it was passed over. */
export function describePlace(place) {
  if (!place.libtorch) return `${place.origin}: ${place.path}: ${place.reason}`
  const { version, cuda, cxx11Abi } = place.libtorch
  return `${place.origin}: ${place.path}: libtorch ${version}${cuda ? ' with CUDA' : ''}${cxx11Abi ? '' : ', old C++ ABI'}`
}
