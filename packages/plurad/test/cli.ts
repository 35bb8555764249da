/** Runs the built command line as its users do: as a process of its own. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { generatePhantoms } from '../src/data/phantom/index.js'

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcessByStdio<null, Readable, Readable>
  ended: Promise<Ended>
  /** Waits until standard error has said this. */
  said: (text: string) => Promise<void>
}

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Put before the command, such as `prlimit …`. */
  wrapper?: readonly string[]
}

export function start(args: readonly string[], { cwd, env = {}, wrapper = [] }: RunOptions = {}): Running {
  const [command = '', ...rest] = [...wrapper, process.execPath, MAIN, ...args]
  const child = spawn(command, rest, {
    cwd,
    // Threads that spin while they wait would slow down whatever else runs on the machine, these tests included.
    env: { ...process.env, OMP_WAIT_POLICY: 'passive', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stderr.includes(text)) resolve()
      }
      child.stderr.on('data', look)
      child.on('close', () => reject(new Error(`It ended without saying '${text}':\n${stderr}`)))
      look()
    })
  return { child, ended, said }
}

export function plurad(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return start(args, options).ended
}

/** Runs a command that has to succeed. */
export async function succeed(args: readonly string[], options?: RunOptions): Promise<Ended> {
  const result = await plurad(args, options)
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return result
}

/** Runs a command that has to fail with one message for people, and gives what it wrote on standard error. */
export async function fail(
  args: readonly string[],
  { code = 1, ...options }: RunOptions & { code?: number } = {},
): Promise<string> {
  const { stderr, stdout, ...result } = await plurad(args, options)
  expect(result.code, stderr).toBe(code)
  expect(stdout).toBe('')
  expectMessage(stderr)
  return stderr
}

/** One message, no stack, no fault of the program. */
export function expectMessage(stderr: string): void {
  expect(stderr).toMatch(/^(plurad|error): \S/m)
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
  expect(stderr).not.toContain('fault of plurad')
  expect(stderr.match(/^plurad: /gm)?.length ?? 1).toBe(1)
}

export interface Workplace {
  folder: string
  /** A data set of phantoms. */
  data: string
  recipe: string
  path: (name: string) => string
}

/** A temporary folder with a tiny data set and a recipe that trains on it within seconds. */
export async function makeWorkplace({
  count = 24,
  size = 32,
}: { count?: number; size?: number } = {}): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'plurad-cli-'))
  const path = (name: string): string => join(folder, name)
  await generatePhantoms(path('data'), { count, size, seed: 1 })
  writeFileSync(
    path('tiny.yaml'),
    `name: tiny
data: { size: ${size}, workers: 0 }
training:
  epochs: 2
  batch_size: 4
  precision: float32
  checkpoint_seconds: 0
  optimizer: { learning_rate: 0.001 }
`,
  )
  return { folder, data: path('data'), recipe: path('tiny.yaml'), path }
}

export function sets(...changes: readonly string[]): string[] {
  return changes.flatMap((change) => ['--set', change])
}

/** What must be the same for two runs to be the same: numbers as they are written, tensors by their bytes. */
export function outcomeOf(run: string): Record<string, string> {
  const text = (name: string): string => readFileSync(join(run, name), 'utf8')
  return {
    metrics: text('metrics.json'),
    val: text('predictions/val.csv'),
    test: text('predictions/test.csv'),
    weights: hashOfTensors(join(run, 'model.safetensors')),
  }
}

/** Of the tensors alone: the metadata hold the recipe, which may name other threads or workers. */
function hashOfTensors(file: string): string {
  const bytes = readFileSync(file)
  const header = Number(bytes.readBigUInt64LE(0))
  const entries = JSON.parse(bytes.subarray(8, 8 + header).toString()) as Record<string, unknown>
  delete entries['__metadata__']
  return createHash('sha256')
    .update(JSON.stringify(entries))
    .update(bytes.subarray(8 + header))
    .digest('hex')
}

/** The header of a safetensors file, which can only be read where the file is whole. */
export function expectWhole(file: string): void {
  const bytes = readFileSync(file)
  const header = Number(bytes.readBigUInt64LE(0))
  const entries = JSON.parse(bytes.subarray(8, 8 + header).toString()) as Record<
    string,
    { data_offsets?: [number, number] }
  >
  const end = Math.max(...Object.values(entries).map(({ data_offsets: at }) => at?.[1] ?? 0))
  expect(bytes.length).toBe(8 + header + end)
}
