/**
 * Time to find all pairs of 64-bit hashes that differ in at most 7 bits, as `plurad data audit` does, beside comparing
 * all with all. Hashes are random, or in families of up to 20 that share most bits, as radiographs of one patient do.
 *
 *     npm run build && node bench/near-copies.mjs            112,120 hashes (ChestX-ray14) and a million
 *     node bench/near-copies.mjs --save                      also into results/near-copies.csv
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { nearPairs } from '../packages/plurad/dist/data/audit/near-pairs.js'
import { Random } from '../packages/plurad/dist/data/random.js'

const file = fileURLToPath(new URL('results/near-copies.csv', import.meta.url))

for (const count of [112_120, 1_000_000]) {
  for (const family of [1, 20]) {
    const hashes = make(count, family)
    let pairs = 0
    const seconds = timed(() => nearPairs(hashes, () => pairs++))
    // All with all of the first 20,000, scaled up: it grows with the square.
    const part = { high: hashes.high.slice(0, 20_000), low: hashes.low.slice(0, 20_000) }
    const all = timed(() => compareAll(part)) * (count / 20_000) ** 2
    const ratio = seconds / all
    console.log(
      `${count} hashes in families of ${family}: ${pairs} pairs in ${seconds.toFixed(2)} s, all with all ${all.toFixed(0)} s, ratio ${ratio.toFixed(4)}`,
    )
    if (process.argv.includes('--save')) save({ count, family, pairs, seconds, all, ratio })
  }
}

function make(count, family) {
  const random = new Random(1, count, family)
  const high = new Uint32Array(count)
  const low = new Uint32Array(count)
  for (let at = 0; at < count; at++) {
    const isFirst = at % family === 0
    high[at] = isFirst ? random.next() * 2 ** 32 : high[at - (at % family)]
    low[at] = isFirst ? random.next() * 2 ** 32 : low[at - (at % family)]
    for (let flips = isFirst ? 0 : 4 + random.integer(12); flips > 0; flips--) {
      if (random.chance(0.5)) high[at] ^= 1 << random.integer(32)
      else low[at] ^= 1 << random.integer(32)
    }
  }
  return { high, low }
}

function compareAll({ high, low }) {
  let pairs = 0
  for (let b = 1; b < high.length; b++) {
    for (let a = 0; a < b; a++) if (ones(high[a] ^ high[b]) + ones(low[a] ^ low[b]) <= 7) pairs++
  }
  return pairs
}

function ones(word) {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Processor seconds: other programs on the machine do not count. */
function timed(run) {
  const before = process.cpuUsage()
  run()
  return process.cpuUsage(before).user / 1e6
}

function save(row) {
  if (!existsSync(file))
    writeFileSync(file, 'date,hashes,family,pairs,seconds,all_with_all_seconds,ratio,cpu,node\n')
  const { count, family, pairs, seconds, all, ratio } = row
  const values = [
    new Date().toISOString().slice(0, 10),
    count,
    family,
    pairs,
    seconds.toFixed(2),
    all.toFixed(0),
  ]
  appendFileSync(
    file,
    `${[...values, ratio.toFixed(5), `"${cpus()[0]?.model}"`, process.version].join(',')}\n`,
  )
}
