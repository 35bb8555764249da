/** `environment.json`: where and how a run was made, so that it can be made again. */
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { writeFileAtomic } from '../files.js'
import { version } from '../version.js'

export interface Environment {
  plurad: string
  node: string
  platform: string
  cpu: string
  processors: number
  memory_gb: number
  /** The command as typed. */
  command_line: string[]
  /** Where the data set was, its name and the fingerprint of its table. */
  data: string
  data_name: string
  data_fingerprint: string
  labels: readonly string[]
  /** Other data sets that stages learn from: where they are, and the fingerprints of their tables. */
  sources?: Readonly<Record<string, string>>
  /** ISO 8601. */
  started: string
  finished?: string
  seconds?: number
  engine?: string
  device?: string
  precision?: string
  threads?: number
  /** The longest that the command line's event loop was held up, milliseconds. */
  event_loop_max_gap_ms?: number
  resumed?: number
  /** Patients were allowed to be in more than one split. */
  allow_leakage?: boolean
}

export function describeEnvironment(): Pick<
  Environment,
  'plurad' | 'node' | 'platform' | 'cpu' | 'processors' | 'memory_gb' | 'command_line' | 'started'
> {
  return {
    plurad: version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    processors: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    command_line: ['plurad', ...process.argv.slice(2)],
    started: new Date().toISOString(),
  }
}

export function readEnvironment(file: string): Environment | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Environment
  } catch {
    return null
  }
}

export function writeEnvironment(file: string, environment: Environment): Promise<void> {
  return writeFileAtomic(file, `${JSON.stringify(environment, null, 2)}\n`)
}
