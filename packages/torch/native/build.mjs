/**
 * Compiles the addon against the libtorch that `discover.mjs` finds: one compiler process a file,
 * as many at once as there are cores, then one link. Why neither cmake nor node-gyp:
 * docs/decisions/002-the-addon-is-compiled-directly.md.
 *
 *   build/objects/<hash>.o              one file, by content, headers, flags, compiler and libtorch
 *   build/<key>/plurad_torch.node       one build, by everything that went into it
 *   build/current.json                  the build in use: what the TypeScript side reads
 *
 * Everything is written beside its place and renamed, so a killed build leaves nothing half done.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, freemem } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareVersions, describePlace, discoverLibtorch } from './discover.mjs'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const ADDON = 'plurad_torch.node'
const KEPT_BUILDS = 4
const KEPT_OBJECTS = 100
/** What a compiler process needs for one of these files, measured 0.6 GB: fewer at once on a small machine. */
const MEMORY_A_FILE = 0.8e9

/** The addon could not be built; the message says what to do. */
export class BuildError extends Error {
  name = 'BuildError'
}

/** How to get a compiler, in one line. */
export const COMPILER_HINT =
  process.platform === 'darwin'
    ? 'type: xcode-select --install'
    : 'type: sudo apt-get install -y g++   (Fedora: sudo dnf install gcc-c++; Arch: sudo pacman -S gcc)'

/** How to get libtorch, in one line. */
export const LIBTORCH_HINT =
  'type: sudo apt-get install -y libtorch-dev   (or: plurad setup, which downloads it into your cache; ' +
  'or: pip install torch; or set PLURAD_LIBTORCH to a folder with include/ and lib/)'

/**
 * The C++ compiler: `$CXX`, then g++, c++ and clang++.
 *
 * @returns {{ command: string, version: string } | null}
 */
export function findCompiler(env = process.env) {
  for (const command of [env.CXX, 'g++', 'c++', 'clang++']) {
    if (!command) continue
    const answer = spawnSync(command, ['--version'], { encoding: 'utf8', env })
    if (answer.status === 0) return { command, version: answer.stdout.split('\n')[0].trim() }
  }
  return null
}

/**
 * Builds the addon, or finds it up to date.
 *
 * @param {object} [options] see build.d.mts
 */
export async function buildAddon(options = {}) {
  const started = performance.now()
  const plan = makePlan(options)
  if (!options.force && plan.upToDate) {
    return { ...plan.current, compiled: 0, reused: plan.sources.length, seconds: since(started) }
  }
  if (plan.sources.length === 0) throw new BuildError(`no C++ sources in ${plan.sourceDir}`)
  if (!plan.libtorch) throw new BuildError(noLibtorch(plan.places))
  if (!plan.compiler)
    throw new BuildError(`no C++ compiler (looked for $CXX, g++, c++, clang++); ${COMPILER_HINT}`)

  const onProgress = options.onProgress ?? (() => {})
  const { libtorch, compiler, buildDir } = plan
  onProgress(`libtorch ${libtorch.version} from ${libtorch.root}, ${compiler.version}`)

  const objectDir = join(buildDir, 'objects')
  mkdirSync(objectDir, { recursive: true })
  const objects = plan.sources.map((source) => join(objectDir, `${objectKey(plan, source)}.o`))
  const missing = plan.sources.map((_, i) => i).filter((i) => options.force || !existsSync(objects[i]))
  const now = new Date()
  for (const object of objects) if (existsSync(object)) utimesSync(object, now, now)

  let done = 0
  await inParallel(missing, jobs(), async (i) => {
    const source = plan.sources[i]
    const from = performance.now()
    const partial = `${objects[i]}.${process.pid}.tmp`
    await run(plan, [...plan.flags, '-c', source, '-o', partial], source)
    renameSync(partial, objects[i])
    onProgress(`[${++done}/${missing.length}] ${basename(source)} ${since(from).toFixed(1)} s`)
  })

  const folder = join(buildDir, plan.key)
  mkdirSync(folder, { recursive: true })
  const addon = join(folder, ADDON)
  const partial = `${addon}.${process.pid}.tmp`
  await run(plan, [...linkFlags(libtorch), ...objects, ...libtorch.libraries, '-o', partial], 'linking')
  renameSync(partial, addon)

  const current = { key: plan.key, sources: plan.sourceHash, compiler: compiler.version, addon, libtorch }
  writeAtomically(join(buildDir, 'current.json'), `${JSON.stringify(current, null, 2)}\n`)
  prune(buildDir, plan.key)
  return {
    ...current,
    compiled: missing.length,
    reused: objects.length - missing.length,
    seconds: since(started),
  }
}

/** What is built now, and whether a build would change it; compiles nothing. */
export function addonState(options = {}) {
  const { current, upToDate, compiler, libtorch, places } = makePlan(options)
  return { current, upToDate, compiler, libtorch, places }
}

function makePlan(options) {
  const env = options.env ?? process.env
  const sourceDir = options.sourceDir ?? join(PACKAGE, 'native', 'src')
  const buildDir = options.buildDir ?? join(PACKAGE, 'build')
  const files = filesBelow(sourceDir)
  const sources = files.filter((file) => file.endsWith('.cc'))
  const headers = files.filter((file) => /\.(h|hpp|inc)$/.test(file))
  const sourceHash = hashFiles(sourceDir, [...headers, ...sources])
  const { libtorch, places } = discoverLibtorch({ env })
  const compiler = findCompiler(env)
  const flags = libtorch ? compileFlags(libtorch) : []
  const identity = libtorch && [
    libtorch.root,
    libtorch.version,
    libtorch.cxx11Abi,
    libtorch.libraries,
    fingerprint(libtorch),
  ]
  const tools = JSON.stringify([identity, compiler?.version, flags])
  const plan = {
    env,
    sourceDir,
    buildDir,
    sources,
    headers,
    sourceHash,
    libtorch,
    places,
    compiler,
    flags,
    tools,
  }
  const key = hash(tools + sourceHash + (libtorch ? linkFlags(libtorch).join() : '')).slice(0, 16)
  const current = readCurrent(buildDir)
  // Without a compiler nothing better can be built: the addon of these sources and this libtorch stands.
  const upToDate =
    current !== null &&
    libtorch !== null &&
    (compiler
      ? current.key === key
      : current.sources === sourceHash && current.libtorch.root === libtorch.root)
  return { ...plan, key, current, upToDate }
}

/** Another build of the same version in the same place (an apt upgrade) has another date or size. */
function fingerprint(libtorch) {
  return libtorch.libraries.map((file) => {
    const { size, mtimeMs } = statSync(file)
    return [size, mtimeMs]
  })
}

function readCurrent(buildDir) {
  try {
    const current = JSON.parse(readFileSync(join(buildDir, 'current.json'), 'utf8'))
    return existsSync(current.addon) ? current : null
  } catch {
    return null
  }
}

function compileFlags(libtorch) {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir
  return [
    `-std=${compareVersions(libtorch.version, '2.10') >= 0 ? 'c++20' : 'c++17'}`,
    ...['-O2', '-fPIC', '-fexceptions', '-frtti', '-fvisibility=hidden', '-pthread', '-Wall'],
    `-D_GLIBCXX_USE_CXX11_ABI=${libtorch.cxx11Abi ? 1 : 0}`,
    ...['-isystem', headers],
    // Naming /usr/include again would move it before the C++ library's own folders and break its includes.
    ...libtorch.includeDirs
      .filter((folder) => folder !== '/usr/include')
      .flatMap((folder) => ['-isystem', folder]),
  ]
}

function linkFlags(libtorch) {
  const rpath = `-Wl,-rpath,${libtorch.libDir}`
  if (process.platform === 'darwin') return ['-bundle', '-undefined', 'dynamic_lookup', rpath]
  // Every symbol is looked up at loading: a libtorch that does not fit is then an error, not the end of the process
  // at the first call. Never unloaded: when a worker thread ends, OpenMP's and autograd's threads may live on.
  const atOnce = process.platform === 'linux' ? ['-Wl,-z,now', '-Wl,-z,nodelete'] : []
  // CUDA registers its kernels when its library is loaded; nothing in the addon names a symbol of it.
  return ['-shared', '-pthread', ...atOnce, rpath, ...(libtorch.cuda ? ['-Wl,--no-as-needed'] : [])]
}

function objectKey(plan, source) {
  return hash(plan.tools + hashFiles(plan.sourceDir, [...plan.headers, source])).slice(0, 24)
}

function run(plan, args, what) {
  return new Promise((resolve, reject) => {
    const child = spawn(plan.compiler.command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...plan.env, LC_ALL: 'C' },
    })
    let said = ''
    child.stdout.on('data', (text) => (said += text))
    child.stderr.on('data', (text) => (said += text))
    child.on('error', (error) =>
      reject(new BuildError(`${plan.compiler.command}: ${error.message}; ${COMPILER_HINT}`)),
    )
    child.on('close', (code, signal) => {
      if (code === 0) {
        if (said.trim()) process.stderr.write(said)
        return resolve()
      }
      reject(new BuildError(compilerFailure(plan, what, said, code ?? signal)))
    })
  })
}

function compilerFailure({ compiler, libtorch, sourceDir }, what, said, code) {
  const lines = said.split('\n').filter((line) => line.trim())
  const first = lines.findIndex((line) => /\berror\b|undefined reference|cannot find|Killed/i.test(line))
  const shown = lines.slice(Math.max(first, 0), Math.max(first, 0) + 8).map((line) => `  ${line}`)
  const killed = code === 'SIGKILL' || /Killed|out of memory/i.test(said)
  const absent = /fatal error: ([\w./+-]+): No such file/.exec(said)?.[1]
  const advice = killed
    ? 'The compiler was stopped, most likely for lack of memory: free about 1 GB and try again.'
    : absent
      ? `The header ${absent} is missing: install the development package that holds it, or take another libtorch through PLURAD_LIBTORCH.`
      : `Compiled with ${compiler.version} against libtorch ${libtorch.version} in ${libtorch.root}. ` +
        'Another compiler goes in CXX, another libtorch in PLURAD_LIBTORCH.'
  const name = what.startsWith(sourceDir) ? relative(sourceDir, what) : what
  return [`${name} failed (${compiler.command}, ${code}):`, ...shown, advice].join('\n')
}

function noLibtorch(places) {
  return ['no usable libtorch:', ...places.map((place) => `  ${describePlace(place)}`), LIBTORCH_HINT].join(
    '\n',
  )
}

function jobs() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / MEMORY_A_FILE)))
}

/** The first failure stops what has not started and is thrown once what runs has ended. */
async function inParallel(items, width, work) {
  const queue = [...items]
  let failure = null
  const worker = async () => {
    while (queue.length > 0 && !failure) {
      try {
        await work(queue.shift())
      } catch (error) {
        failure ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  if (failure) throw failure
}

/** Old builds stay for a while: another process may be about to load one. */
function prune(buildDir, key) {
  const byAge = (folder, names) =>
    names
      .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
      .sort((a, b) => b.at - a.at)
  const builds = readdirSync(buildDir).filter((name) => /^[0-9a-f]{16}$/.test(name) && name !== key)
  const objects = join(buildDir, 'objects')
  const old = [
    ...byAge(buildDir, builds).slice(KEPT_BUILDS - 1),
    ...byAge(objects, readdirSync(objects)).slice(KEPT_OBJECTS),
  ]
  for (const { path } of old) rmSync(path, { recursive: true, force: true })
}

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function hashFiles(base, files) {
  const all = createHash('sha256')
  for (const file of files)
    all
      .update(`${relative(base, file)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return all.digest('hex')
}

/** @param {string} text */
function hash(text) {
  return createHash('sha256').update(text).digest('hex')
}

function writeAtomically(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  const partial = `${file}.${process.pid}.tmp`
  writeFileSync(partial, text)
  renameSync(partial, file)
}

/** @param {number} started */
function since(started) {
  return (performance.now() - started) / 1000
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    const force = process.argv.includes('--force')
    const result = await buildAddon({ force, onProgress: (line) => console.log(line) })
    console.log(
      `${result.addon} (${result.compiled} compiled, ${result.reused} reused, ${result.seconds.toFixed(1)} s)`,
    )
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
