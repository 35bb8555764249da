/**
 * Makes a fresh checkout ready: npm packages, C++ compiler, libtorch, the addon, the TypeScript build.
 * What is up to date is left alone, so that repeating costs seconds.
 *
 *   node scripts/setup.mjs [--tests]     --tests adds what only the tests need
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const STAMP = join(ROOT, 'node_modules', '.plurad-stamp')
const OLDEST_NODE = [20, 19]
/** onnxruntime-node would download CUDA parts in its install step; older npm does not heed `allowScripts`. */
const ENV = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' }
const BUILT_PACKAGES = ['packages/torch', 'packages/plurad']
/** Debian's package names. */
const COMPILER_PACKAGE = 'g++'
const LIBTORCH_PACKAGE = 'libtorch-dev'

const begun = Date.now()
let worked = false

class SetupError extends Error {}

try {
  checkNode()
  await installPackages()
  await installSystemPackages()
  if (process.argv.includes('--tests')) await installForTests()
  await buildAddon()
  await compileTypeScript()
  console.log(
    worked ? `setup: ready after ${seconds(begun)}` : `setup: ready (nothing to do, ${seconds(begun)})`,
  )
} catch (error) {
  if (!(error instanceof SetupError) && error.name !== 'BuildError') throw error
  console.error(`setup: ${error.message}`)
  process.exitCode = 1
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  throw new SetupError(
    `Node ${process.versions.node} is too old, ${OLDEST_NODE.join('.')} or newer is needed: https://nodejs.org/en/download`,
  )
}

/** `npm ci` when what lies in node_modules is not what package-lock.json asks for. */
async function installPackages() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'))
  const lockHash = sha256(lock)
  if (readStamp().lock === lockHash) return
  if (!installedMatches(JSON.parse(lock.toString('utf8')))) {
    await step('npm packages (npm ci)', () =>
      run('npm', ['ci', '--no-audit', '--no-fund', '--no-update-notifier']),
    )
  }
  writeStamp({ lock: lockHash })
}

/**
 * npm notes what it installed in node_modules/.package-lock.json when it has finished. Packages for
 * other platforms are not in there.
 */
function installedMatches(lock) {
  const file = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(file)) return false
  const installed = JSON.parse(readFileSync(file, 'utf8')).packages
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true
    const found = installed[path]
    if (!found) return wanted.optional === true
    return found.version === wanted.version && found.integrity === wanted.integrity
  })
}

async function installSystemPackages() {
  const { COMPILER_HINT, LIBTORCH_HINT, findCompiler } = await native('build.mjs')
  const { discoverLibtorch, describePlace } = await native('discover.mjs')
  const missing = []
  if (!findCompiler()) missing.push(COMPILER_PACKAGE)
  const { libtorch, places } = discoverLibtorch()
  if (!libtorch && process.env.PLURAD_LIBTORCH) {
    throw new SetupError(`PLURAD_LIBTORCH cannot be used: ${places.map(describePlace).join('; ')}`)
  }
  if (!libtorch) missing.push(LIBTORCH_PACKAGE)
  if (missing.length === 0) return

  const prefix = aptPrefix()
  if (!prefix) {
    const debian = isDebian()
    const hints = [missing.includes(COMPILER_PACKAGE) && COMPILER_HINT, !libtorch && LIBTORCH_HINT].filter(
      Boolean,
    )
    const todo = debian
      ? `type: sudo apt-get update && sudo apt-get install -y ${missing.join(' ')}`
      : hints.join('; ')
    throw new SetupError(`${missing.join(' and ')} missing, and this user cannot install packages; ${todo}`)
  }
  await step(`system packages (apt-get install ${missing.join(' ')})`, () => aptInstall(prefix, missing))
  const after = discoverLibtorch()
  if (!after.libtorch) {
    throw new SetupError(
      `${LIBTORCH_PACKAGE} is installed but cannot be used: ${after.places.map(describePlace).join('; ')}; ${LIBTORCH_HINT}`,
    )
  }
}

async function aptInstall(prefix, packages) {
  // An unreachable third-party source must not stop what the other sources can deliver.
  await runQuietly(...prefix, ['update', '-q']).catch((error) =>
    console.log(`setup: ${error.message}; going on`),
  )
  await runQuietly(...prefix, ['install', '-q', '-y', '--no-install-recommends', ...packages])
}

/**
 * Programs that tests hold the toolkit against; without them those tests are skipped. `plurad setup` unpacks a zip, objects
 * for a PACS are read by dcmtk and dicom3tools and stored in an Orthanc, pages are looked at in Chromium.
 */
async function installForTests() {
  const isThere = (command, probe = '--version') => !spawnSync(command, [probe]).error
  const unzips = isThere('unzip', '-v') || isThere('bsdtar') || isThere('python3')
  const missing = [
    !unzips && 'unzip',
    !isThere('dcmdump') && 'dcmtk',
    !isThere('dciodvfy') && 'dicom3tools',
    !existsSync('/usr/sbin/Orthanc') && 'orthanc',
    !existsSync('/usr/bin/chromium') && 'chromium',
    !existsSync('/usr/share/fonts/truetype/dejavu') && 'fonts-dejavu-core',
  ].filter(Boolean)
  const prefix = aptPrefix()
  if (missing.length === 0 || !prefix) return
  await step(`for the tests (apt-get install ${missing.join(' ')})`, async () => {
    try {
      await aptInstall(prefix, missing)
      if (missing.includes('orthanc')) await keepFromRunning(prefix, 'orthanc')
    } catch (error) {
      console.log(`setup: ${error.message}; the tests that need ${missing.join(', ')} are skipped`)
    }
  })
}

/** Debian starts services when it installs them; the tests start their own. */
async function keepFromRunning([command, args], service) {
  const asRoot = args.slice(0, args.indexOf('apt-get'))
  const quiet = (...words) => runQuietly(command, [...asRoot, ...words]).catch(() => undefined)
  await quiet('invoke-rc.d', service, 'stop')
  await quiet('update-rc.d', service, 'disable')
}

/** Command and leading arguments that run apt-get with the right to install, or null. */
function aptPrefix() {
  if (!isDebian() || spawnSync('apt-get', ['--version']).status !== 0) return null
  const quiet = [
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=300',
    '-o',
    'Acquire::Retries=3',
  ]
  if (process.getuid?.() === 0) return ['env', quiet]
  if (spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', ['-n', 'env', ...quiet]]
  return null
}

function isDebian() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

async function buildAddon() {
  const { addonState, buildAddon: build } = await native('build.mjs')
  if (addonState().upToDate) return
  await step('addon (C++)', () => build({ onProgress: (line) => console.log(`  ${line}`) }))
}

/** `tsc -b`, skipped while neither sources nor outputs have changed. */
async function compileTypeScript() {
  const sources = sourcesHash()
  const stamp = readStamp()
  if (stamp.sources === sources && stamp.outputs === countOutputs()) return
  await step('TypeScript (tsc -b)', () =>
    run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b']),
  )
  writeStamp({ sources, outputs: countOutputs() })
}

function sourcesHash() {
  const hash = createHash('sha256')
  const configs = ['tsconfig.base.json', 'tsconfig.json', 'package-lock.json']
  for (const name of BUILT_PACKAGES) {
    configs.push(`${name}/tsconfig.json`, `${name}/package.json`)
    for (const folder of ['src', 'native'])
      configs.push(...filesBelow(join(ROOT, name, folder), /\.[cm]?tsx?$|\.json$/))
  }
  for (const file of configs) {
    if (existsSync(join(ROOT, file)))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(ROOT, file)))
        .update('\0')
  }
  return hash.digest('hex')
}

function countOutputs() {
  return BUILT_PACKAGES.map((name) => filesBelow(join(ROOT, name, 'dist'), /\.js$/).length).join(' ')
}

/** Files below a folder by name, relative to the repository, in a fixed order. */
function filesBelow(folder, pattern) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort()
}

/** The addon's own scripts need npm packages, so they are loaded after `npm ci`. */
function native(file) {
  return import(new URL(`../packages/torch/native/${file}`, import.meta.url).href)
}

/** Runs one step with a line before and after; long steps say every half minute that they are alive. */
async function step(name, work) {
  worked = true
  const from = Date.now()
  console.log(`setup: ${name} ...`)
  const alive = setInterval(() => console.log(`setup: ${name}: still working, ${seconds(from)}`), 30_000)
  try {
    await work()
  } finally {
    clearInterval(alive)
  }
  console.log(`setup: ${name}: done in ${seconds(from)}`)
}

function run(command, ...parts) {
  return start(command, parts.flat(), 'inherit')
}

/** Keeps the output to itself and shows its end when the command fails. */
function runQuietly(command, ...parts) {
  return start(command, parts.flat(), 'pipe')
}

function start(command, args, output) {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env: ENV, stdio: ['ignore', output, output] })
    let said = ''
    child.stdout?.on('data', (text) => (said += text))
    child.stderr?.on('data', (text) => (said += text))
    child.on('error', (error) => reject(new SetupError(`${command} cannot be started: ${error.message}`)))
    child.on('close', (code, signal) => {
      if (code === 0) return resolvePromise()
      if (said) console.error(said.trimEnd().split('\n').slice(-20).join('\n'))
      reject(new SetupError(`"${[command, ...args].join(' ')}" failed (${code ?? signal}), see above`))
    })
  })
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'))
  } catch {
    return {}
  }
}

function writeStamp(part) {
  const text = JSON.stringify({ ...readStamp(), ...part })
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(`${STAMP}.tmp`, text)
  renameSync(`${STAMP}.tmp`, STAMP)
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

function seconds(from) {
  return `${((Date.now() - from) / 1000).toFixed(1)} s`
}
