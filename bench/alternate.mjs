/** Programs run in turn, again and again: a machine whose speed drifts hurts them alike. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const python = process.env.PLURAD_BENCH_PYTHON ?? '/usr/bin/python3'

/** Runs one program of this folder with its arguments as JSON; gives what its last line says. */
export function runProgram(program, args) {
  const command = program.endsWith('.py') ? python : process.execPath
  const result = spawnSync(command, [join(here, program), JSON.stringify(args)], {
    encoding: 'utf8',
    cwd: dirname(here),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (result.status !== 0) throw new Error(`${program} ended with ${result.status ?? result.signal}`)
  return JSON.parse(result.stdout.trim().split('\n').at(-1))
}

/** Seconds of each program in each round, and what they say of their versions. */
export function alternate(programs, rounds) {
  const results = programs.map(() => [])
  let versions = []
  for (let round = 0; round < rounds; round++) {
    const outcomes = programs.map(([program, args]) => runProgram(program, args))
    outcomes.forEach(({ seconds }, i) => results[i].push(seconds))
    versions = outcomes.map(({ version }) => version)
  }
  return { results, versions }
}

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
