import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { discoverLibtorch, describePlace, type Libtorch } from '@plurad/torch/discover'
import type { Command } from 'commander'
import { loadAddonBuilder } from './addon.js'
import { CPU_FEATURES, describeMachine, type Machine } from './machine.js'

const OLDEST_NODE = [20, 19] as const
const IMAGE_PACKAGES = ['sharp', '@napi-rs/image'] as const

/** Everything `plurad doctor` finds out; printed as it is by `--json`. */
export interface Diagnosis {
  plurad: string
  node: { version: string; supported: boolean }
  machine: Machine
  compiler: { command: string; version: string } | null
  libtorch: { chosen: Libtorch | null; places: string[] }
  addon: {
    path: string | null
    upToDate: boolean
    loads: boolean
    error: string | null
    /** What `engineInfo()` of `@plurad/torch` says. */
    engine: Record<string, unknown> | null
  }
  /** Version of each image package, null where it does not load. */
  packages: Record<(typeof IMAGE_PACKAGES)[number], string | null>
  /** What is missing and how to get it, one line each. */
  advice: string[]
  canTrain: boolean
}

/** Adds `plurad doctor`. */
export function register(program: Command): void {
  program
    .command('doctor')
    .description('say what this machine offers, what is missing, and how to get it')
    .option('--json', 'print the facts as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ plurad doctor\n\nExits with 0 when training can run here, with 1 otherwise.',
    )
    .action(async (options: { json?: boolean }) => {
      const diagnosis = await diagnose()
      console.log(options.json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis))
      if (!diagnosis.canTrain) process.exitCode = 1
    })
}

/** Collects the facts; changes nothing. */
export async function diagnose(): Promise<Diagnosis> {
  const builder = await loadAddonBuilder()
  const { chosen, places } = lookForLibtorch()
  const state = builder.addonState()
  const loaded = await loadEngine()
  const packages = await loadImagePackages()
  const nodeSupported = supportsNode(process.versions.node)

  const advice: string[] = []
  if (!nodeSupported)
    advice.push(`Node ${OLDEST_NODE.join('.')} or newer is needed: https://nodejs.org/en/download`)
  if (!state.compiler && !loaded.engine) advice.push(`a C++ compiler is missing; ${builder.COMPILER_HINT}`)
  if (!chosen && process.env['PLURAD_LIBTORCH']) {
    advice.push(
      `PLURAD_LIBTORCH cannot be used (${places.join('; ')}); correct it, or unset it to search elsewhere`,
    )
  } else if (!chosen) advice.push(`no usable libtorch; ${builder.LIBTORCH_HINT}`)
  else if (!state.current)
    advice.push('the addon is not built; type: plurad setup   (in a clone: npm run setup)')
  else if (!loaded.engine) {
    advice.push(
      `the addon does not load (${firstLine(loaded.error)}); type: plurad setup   (in a clone: npm run setup)`,
    )
  } else if (!state.upToDate) {
    advice.push(
      'the addon was built from other sources or another libtorch; type: plurad setup   (in a clone: npm run setup)',
    )
  }
  for (const name of IMAGE_PACKAGES) {
    if (packages[name] === null) advice.push(`${name} does not load; type: npm install ${name}`)
  }

  return {
    plurad: readPackage(fileURLToPath(new URL('../../package.json', import.meta.url)))?.version ?? 'unknown',
    node: { version: process.versions.node, supported: nodeSupported },
    machine: describeMachine(),
    compiler: state.compiler,
    libtorch: { chosen, places },
    addon: { path: state.current?.addon ?? null, upToDate: state.upToDate, ...loaded },
    packages,
    advice,
    canTrain: nodeSupported && loaded.loads && IMAGE_PACKAGES.every((name) => packages[name] !== null),
  }
}

function lookForLibtorch(): Diagnosis['libtorch'] {
  const { libtorch, places } = discoverLibtorch({ all: true })
  return { chosen: libtorch, places: places.map((place) => describePlace(place)) }
}

/** Loads the addon as a training run would. */
async function loadEngine(): Promise<Pick<Diagnosis['addon'], 'loads' | 'error' | 'engine'>> {
  try {
    const { engineInfo } = await import('@plurad/torch')
    return { loads: true, error: null, engine: { ...engineInfo() } }
  } catch (error) {
    return { loads: false, error: messageOf(error), engine: null }
  }
}

async function loadImagePackages(): Promise<Diagnosis['packages']> {
  const version = async (name: string) => {
    try {
      await import(name)
      return installedVersion(name)
    } catch {
      return null
    }
  }
  return { sharp: await version('sharp'), '@napi-rs/image': await version('@napi-rs/image') }
}

/** Not every package exports its package.json, so it is looked for above the module itself. */
function installedVersion(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name))
  while (folder !== dirname(folder)) {
    const found = readPackage(join(folder, 'package.json'))
    if (found?.name === name && found.version) return found.version
    folder = dirname(folder)
  }
  return 'unknown version'
}

function readPackage(file: string): { name?: string; version?: string } | null {
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string })
    : null
}

function supportsNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
}

/** Lays the facts out as aligned text. */
export function formatDiagnosis(facts: Diagnosis): string {
  const { machine, addon } = facts
  const { cpu, memory } = machine
  const features = cpu.features
  const present = features && CPU_FEATURES.filter((name) => features[name])
  const rows: [string, string][] = [
    ['plurad', facts.plurad],
    ['Node', `${facts.node.version}${facts.node.supported ? '' : `  (older than ${OLDEST_NODE.join('.')})`}`],
    ['system', `${machine.system}, ${machine.kernel}, ${machine.arch}`],
    ['processor', `${cpu.model}, ${cpu.cores} ${cpu.cores === 1 ? 'core' : 'cores'}`],
    ['features', present ? present.join(' ') || `none of ${CPU_FEATURES.join(' ')}` : 'unknown'],
    [
      'memory',
      `${gigabytes(memory.available)} available of ${gigabytes(memory.total)}${memory.limited ? ' (limit of the container)' : ''}`,
    ],
    ['disk', `${gigabytes(machine.disk.free)} free in ${machine.disk.path}`],
    ['compiler', facts.compiler ? `${facts.compiler.command}: ${facts.compiler.version}` : 'none'],
    ...facts.libtorch.places.map((place, i): [string, string] => [i === 0 ? 'libtorch' : '', place]),
    ['addon', addonLine(addon)],
    ...engineRows(addon.engine ?? {}),
    ...Object.entries(facts.packages).map(([name, version]): [string, string] => [
      name,
      version ?? 'does not load',
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
  const verdict = facts.canTrain ? 'Training can run here.' : 'Training cannot run here yet.'
  return [...lines, '', ...facts.advice.map((line) => `to do: ${line}`), verdict].join('\n')
}

/** The engine's facts of one line; the long ones are in the JSON. */
function engineRows(engine: Record<string, unknown>): [string, string][] {
  return Object.entries(engine)
    .map(([name, value]): [string, string] => ['', `${name}: ${String(value)}`])
    .filter(([, line]) => !line.includes('\n'))
}

function addonLine({ path, upToDate, loads, error }: Diagnosis['addon']): string {
  if (loads) return `${path ?? 'loads'}${upToDate ? '' : '  (not up to date)'}`
  return path === null ? 'not built' : `${path}: does not load: ${firstLine(error)}`
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}

function firstLine(text: string | null): string {
  return text?.split('\n')[0] ?? 'no reason given'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
