import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { cacheFolder, compareVersions, discoverLibtorch, type Libtorch } from '@plurad/torch/discover'
import type { Command } from 'commander'
import { checksumMessage, digestOf, wrongChecksum } from '../checksum.js'
import { requireSpace } from '../disk-space.js'
import { download, NotFoundError } from '../download.js'
import { PluradError, UsageError } from '../errors.js'
import { loadAddonBuilder } from './addon.js'
import { transferText, TransferRate } from './transfer.js'

/** The libtorch that is taken when none is asked for: the newest that the addon was tried with. */
export const DEFAULT_VERSION = '2.6.0'

const SERVER = 'https://download.pytorch.org/libtorch'
/** From here on the file name no longer says cxx11-abi, since there is no other. */
const ONE_ABI_SINCE = '2.8'
/** Unpacked size over zip size, with the zip itself, measured on CPU and CUDA builds and rounded up. */
const SPACE_FACTOR = 5
const IF_WRONG =
  'It was not unpacked. Check the expected value, then try again or take another source with --from.'

interface SetupOptions {
  libtorchVersion?: string
  cuda?: string
  from?: string
  sha256?: string
}

export interface InstallOptions {
  /** Such as `2.6.0`. */
  version?: string
  /** Such as `cu124`; the CPU build without it. */
  cuda?: string | undefined
  /** A URL or a file to take instead of pytorch.org's. */
  from?: string | undefined
  /** Expected SHA-256 of the zip, hexadecimal. */
  sha256?: string | undefined
  /** Default: the user's cache. */
  folder?: string
  /** Called with a line of text now and then. */
  onLine?: (line: string) => void
  /** Called for every piece that arrives. */
  onProgress?: (received: number, total: number | null) => void
  /** Milliseconds before a broken transfer is taken up again. */
  retryDelay?: number
}

/** Adds `plurad setup`. */
export function register(program: Command): void {
  program
    .command('setup')
    .description('download libtorch into your cache where none is found, and build the addon')
    .option('--libtorch-version <version>', `version to download (default ${DEFAULT_VERSION})`)
    .option('--cuda <variant>', 'take a CUDA build, such as cu124')
    .option('--from <url|file>', 'take this zip instead of the one from pytorch.org')
    .option('--sha256 <hex>', 'refuse a zip with another SHA-256')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ plurad setup                                   use what is there, else download the CPU build\n' +
        '  $ plurad setup --libtorch-version 2.6.0 --cuda cu124\n' +
        '  $ plurad setup --from ./libtorch.zip --sha256 3f1c…\n\n' +
        'A broken download is continued when the same command runs again.',
    )
    .action(setup)
}

async function setup(options: SetupOptions): Promise<void> {
  const say = (line: string) => console.log(line)
  const asked = Object.values(options).some((value) => value !== undefined)
  const found = discoverLibtorch().libtorch
  let libtorch = asked ? null : found
  if (libtorch) {
    say(`libtorch ${libtorch.version} in ${libtorch.root} (${libtorch.origin}): nothing to download`)
  } else {
    libtorch = await installLibtorch({
      version: options.libtorchVersion ?? DEFAULT_VERSION,
      cuda: options.cuda,
      from: options.from,
      sha256: options.sha256,
      onLine: say,
      onProgress: progressPrinter(),
    })
    const first = discoverLibtorch().libtorch
    if (first && first.root !== libtorch.root) {
      say(
        `note: ${first.root} comes first in the search; keep this one with: export PLURAD_LIBTORCH=${libtorch.root}`,
      )
    }
  }
  const { buildAddon } = await loadAddonBuilder()
  try {
    const env = { ...process.env, PLURAD_LIBTORCH: libtorch.root }
    const built = await buildAddon({ env: libtorch === found ? process.env : env, onProgress: say })
    say(`addon: ${built.addon} (${built.compiled === 0 ? 'up to date' : `${built.seconds.toFixed(1)} s`})`)
  } catch (error) {
    throw new PluradError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/**
 * Puts a libtorch into the cache: download (or a local file), size and SHA-256, unpack, check, and one rename, so
 * that what lies in the cache is always whole. One that is there already is used as it is.
 *
 * @throws UsageError on a version, variant or SHA-256 that cannot be one
 * @throws PluradError where download, checksum or contents fail
 */
export async function installLibtorch(options: InstallOptions = {}): Promise<Libtorch> {
  const { version = DEFAULT_VERSION, cuda, from, onLine = () => undefined } = options
  const folder = options.folder ?? cacheFolder()
  const variant = cuda ?? 'cpu'
  if (!/^\d+\.\d+\.\d+$/.test(version))
    throw new UsageError(`--libtorch-version ${version}: expected such as 2.6.0`)
  if (!/^(cpu|cu\d{2,3}|rocm\d[\d.]*)$/.test(variant))
    throw new UsageError(`--cuda ${variant}: expected such as cu124`)
  const sha256 = options.sha256?.toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new UsageError(`--sha256 ${sha256}: expected 64 hexadecimal digits`)
  }

  const ready = join(folder, `${version}-${variant}`)
  if (from === undefined && existsSync(ready)) {
    const there = usable(ready)
    onLine(`libtorch ${there.version} is already in ${there.root}`)
    return there
  }

  const work = join(folder, '.download')
  await mkdir(work, { recursive: true })
  const isFile = from !== undefined && !/^https?:\/\//.test(from)
  const zip = isFile
    ? await localZip(from, sha256)
    : await remoteZip(from === undefined ? urlsOf(version, cuda) : [from], work, { ...options, sha256 })
  if (sha256 === undefined && !isFile) {
    onLine(
      `SHA-256 ${(await digestOf(zip)).sha256}: not checked, since --sha256 gave nothing to compare it with`,
    )
  }

  const unpacked = join(folder, `.unpack-${process.pid}`)
  try {
    onLine(`unpacking ${basename(zip)}`)
    const space = (await stat(zip)).size * SPACE_FACTOR
    await requireSpace(
      folder,
      space,
      'unpacking',
      'Free some, or set XDG_CACHE_HOME to a folder on another disk.',
    )
    await unzip(zip, unpacked)
    const found = usable(unpacked)
    const target =
      from === undefined ? ready : join(folder, `${found.version}-${found.cuda ? (cuda ?? 'cuda') : 'cpu'}`)
    await replaceFolder(unpacked, target)
    if (!isFile) await rm(zip, { force: true })
    const installed = usable(target)
    onLine(`libtorch ${installed.version} in ${installed.root}`)
    return installed
  } finally {
    await rm(unpacked, { recursive: true, force: true })
  }
}

/** Puts a folder in the place of another, which is gone only once the new one is there. */
async function replaceFolder(from: string, to: string): Promise<void> {
  const old = join(dirname(to), `.old-${process.pid}`)
  if (existsSync(to)) await rename(to, old)
  await rename(from, to)
  await rm(old, { recursive: true, force: true })
}

/** Addresses of a libtorch on pytorch.org, to be tried in order. */
export function urlsOf(
  version: string,
  cuda?: string,
  platform: string = process.platform,
  arch: string = process.arch,
): string[] {
  if (platform === 'darwin' && arch === 'arm64' && cuda === undefined) {
    return [`${SERVER}/cpu/libtorch-macos-arm64-${version}.zip`]
  }
  if (platform !== 'linux' || arch !== 'x64') {
    throw new PluradError(
      `pytorch.org has no libtorch zip for ${platform} on ${arch}${cuda ? ` with ${cuda}` : ''}. Take the system's ` +
        "(sudo apt-get install -y libtorch-dev) or Python's (pip install torch), or give one with --from.",
    )
  }
  const variant = cuda ?? 'cpu'
  const names = ['libtorch-cxx11-abi-shared-with-deps', 'libtorch-shared-with-deps']
  if (compareVersions(version, ONE_ABI_SINCE) >= 0) names.reverse()
  // Before, the plain name is the build with the old C++ ABI: never a substitute for the other.
  else names.pop()
  return names.map((name) => `${SERVER}/${variant}/${name}-${version}%2B${variant}.zip`)
}

async function remoteZip(urls: string[], work: string, options: InstallOptions): Promise<string> {
  for (const [i, url] of urls.entries()) {
    const zip = join(work, decodeURIComponent(basename(new URL(url).pathname)) || 'libtorch.zip')
    if (existsSync(zip)) {
      if (options.sha256 === undefined || (await digestOf(zip)).sha256 === options.sha256) return zip
      await rm(zip)
    }
    options.onLine?.(`downloading ${url}`)
    try {
      const { sha256, onProgress, retryDelay } = options
      await download(url, zip, {
        sha256,
        onProgress,
        retryDelay,
        otherWay: 'Behind a proxy, download the file another way and give it with --from FILE.',
        ifWrong: IF_WRONG,
      })
      return zip
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      if (i < urls.length - 1) continue
      throw new PluradError(
        `${error.message}. https://pytorch.org/get-started/locally lists what there is.`,
        {
          cause: error,
        },
      )
    }
  }
  throw new UsageError('no address to download from')
}

async function localZip(from: string, sha256: string | undefined): Promise<string> {
  const file = resolve(from)
  if (!existsSync(file)) throw new UsageError(`--from ${from}: no such file (and not an http address)`)
  if (sha256 === undefined) return file
  const wrong = wrongChecksum(await digestOf(file), { sha256 })
  if (wrong !== null) throw new PluradError(checksumMessage(file, wrong, IF_WRONG))
  return file
}

const UNZIPPERS: [command: string, probe: string[], unpack: (zip: string, to: string) => string[]][] = [
  ['unzip', ['-v'], (zip, to) => ['-q', '-o', zip, '-d', to]],
  ['bsdtar', ['--version'], (zip, to) => ['-xf', zip, '-C', to]],
  ['python3', ['-m', 'zipfile', '--help'], (zip, to) => ['-m', 'zipfile', '-e', zip, to]],
]

/** The first program there is that can unpack a zip, or null. */
export function findUnzipper(): string | null {
  return UNZIPPERS.find(([command, probe]) => spawnSync(command, probe).status === 0)?.[0] ?? null
}

async function unzip(zip: string, to: string): Promise<void> {
  const name = findUnzipper()
  const tool = UNZIPPERS.find(([command]) => command === name)
  if (!tool) {
    throw new PluradError(
      'no program to unpack a zip with (unzip, bsdtar, python3); type: sudo apt-get install -y unzip',
    )
  }
  await mkdir(to, { recursive: true })
  const [command, , unpack] = tool
  const said = await new Promise<string | null>((done, fail) => {
    const child = spawn(command, unpack(zip, to), { stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.on('error', fail)
    child.on('close', (code) => done(code === 0 ? null : text.trim() || `exit code ${code}`))
  })
  if (said !== null) {
    throw new PluradError(`${zip} cannot be unpacked (${command}: ${said}). Delete it and download it again.`)
  }
}

/** The libtorch in a folder, checked as the addon's build would check it. */
function usable(folder: string): Libtorch {
  const { libtorch, places } = discoverLibtorch({ env: { PLURAD_LIBTORCH: folder } })
  if (libtorch) return libtorch
  const held = existsSync(folder) ? readdirSync(folder).slice(0, 5).join(', ') : ''
  throw new PluradError(
    `${folder} is no usable libtorch: ${places[0]?.reason ?? 'nothing there'}${held ? ` (it holds ${held})` : ''}`,
  )
}

/** On a terminal one line that is rewritten, in a log one line every tenth. */
function progressPrinter(): (received: number, total: number | null) => void {
  const terminal = process.stderr.isTTY
  const rate = new TransferRate()
  let shown = 0
  let tenth = -1
  return (received, total) => {
    rate.add(received)
    const now = performance.now()
    const finished = received === total
    const reached = total === null ? Math.floor(received / 50e6) : Math.floor((10 * received) / total)
    if (terminal ? now - shown < 200 && !finished : reached === tenth) return
    shown = now
    tenth = reached
    const line = transferText(received, total, rate)
    process.stderr.write(terminal ? `\r\x1b[K${line}${finished ? '\n' : ''}` : `${line}\n`)
  }
}
