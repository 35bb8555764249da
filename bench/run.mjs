/**
 * Runs a benchmark against its peer, in alternation: ours, peer, ours, peer … The ratio is taken pair by pair, so that
 * a machine whose speed drifts hurts both alike. Prints every pair, then the median; --save keeps it in results/.
 *
 *     node bench/run.mjs                         what there is
 *     node bench/run.mjs training-step --rounds 5 --save
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, runProgram } from './alternate.mjs'
import { cases } from './cases.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const [name, ...flags] = process.argv.slice(2)
const rounds = flags.includes('--rounds') ? Number(flags[flags.indexOf('--rounds') + 1]) : 5
const chosen = name === 'all' ? Object.keys(cases) : [name]
if (name === undefined || chosen.some((one) => !(one in cases))) {
  for (const [key, { about }] of Object.entries(cases)) console.log(`${key.padEnd(24)} ${about}`)
  process.exit(name === undefined ? 0 : 2)
}

for (const key of chosen) {
  const { about, ours, peer, goal } = cases[key]
  console.log(`\n${key}: ${about}`)
  const pairs = []
  let versions = {}
  for (let round = 1; round <= rounds; round++) {
    const a = runProgram(ours.program, ours.args)
    const b = runProgram(peer.program, peer.args)
    versions = { ours: a.version, peer: b.version }
    pairs.push({ ours: a.seconds, peer: b.seconds, ratio: a.seconds / b.seconds })
    console.log(
      `  ${round}  ours ${format(a.seconds)}  peer ${format(b.seconds)}  ratio ${(a.seconds / b.seconds).toFixed(3)}`,
    )
  }
  const ratio = median(pairs.map((pair) => pair.ratio))
  const low = Math.min(...pairs.map((pair) => pair.ratio))
  const high = Math.max(...pairs.map((pair) => pair.ratio))
  console.log(
    `  median ratio ${ratio.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})${goal ? `, goal ${goal}` : ''}`,
  )
  if (flags.includes('--save')) save(key, { ratio, low, high, pairs, versions, goal })
}

function format(seconds) {
  return seconds < 1e-4
    ? `${(seconds * 1e9).toFixed(0)} ns`
    : seconds < 1
      ? `${(seconds * 1e3).toFixed(1)} ms`
      : `${seconds.toFixed(2)} s`
}

function save(key, { ratio, low, high, pairs, versions, goal }) {
  const file = join(here, 'results', `${key}.csv`)
  if (!existsSync(file)) {
    writeFileSync(
      file,
      'date,commit,cpu,cores,ours_version,peer_version,rounds,ours_seconds,peer_seconds,ratio,ratio_low,ratio_high,goal,command\n',
    )
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim()
  const row = [
    new Date().toISOString().slice(0, 10),
    commit,
    cpus()[0].model,
    cpus().length,
    versions.ours,
    versions.peer,
    rounds,
    median(pairs.map((pair) => pair.ours)).toPrecision(4),
    median(pairs.map((pair) => pair.peer)).toPrecision(4),
    ratio.toFixed(3),
    low.toFixed(3),
    high.toFixed(3),
    goal ?? '',
    `node bench/run.mjs ${key} --rounds ${rounds} --save`,
  ]
  appendFileSync(file, `${row.join(',')}\n`)
}
