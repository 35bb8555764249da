/**
 * Does training in bfloat16 with channels_last reach the accuracy of float32? Trains the same recipe with several
 * seeds in both, on the same split, and puts the macro AUC of the test split side by side.
 *
 *     node bench/precision.mjs RECIPE DATA [--seeds 3] [--set key=value …] [--save NAME]
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const [recipe, data, ...flags] = process.argv.slice(2)
const after = (flag) => flags[flags.indexOf(flag) + 1]
const seeds = flags.includes('--seeds') ? Number(after('--seeds')) : 3
const sets = flags.flatMap((flag, i) => (flag === '--set' ? ['--set', flags[i + 1]] : []))
const folder = mkdtempSync(join(tmpdir(), 'plurad-precision-'))
const results = { float32: [], bfloat16: [] }

for (let seed = 0; seed < seeds; seed++) {
  for (const precision of ['bfloat16', 'float32']) {
    const out = join(folder, `${precision}-${seed}`)
    const args = ['train', recipe, '--data', data, '--out', out, ...sets, '--json']
    args.push('--set', `training.seed=${seed}`, '--set', `training.precision=${precision}`)
    const run = spawnSync(process.execPath, [join(here, '../packages/plurad/dist/cli/main.js'), ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (run.status !== 0) throw new Error(`plurad ${args.join(' ')} ended with ${run.status}`)
    const metrics = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'))
    const { seconds, engine, threads } = JSON.parse(readFileSync(join(out, 'environment.json'), 'utf8'))
    const epochs = readFileSync(join(out, 'history.jsonl'), 'utf8').trim().split('\n').length
    results[precision].push({
      auc: metrics.test.macro.auc,
      ap: metrics.test.macro.average_precision,
      seconds,
      epochs,
    })
    console.log(
      `seed ${seed} ${precision.padEnd(8)} macro AUC ${metrics.test.macro.auc.toFixed(4)}  AP ` +
        `${metrics.test.macro.average_precision.toFixed(4)}  ${epochs} epochs  ${(seconds / epochs).toFixed(1)} s an epoch`,
    )
    if (flags.includes('--save')) {
      const file = join(here, 'results', `precision-${after('--save')}.csv`)
      if (!existsSync(file)) {
        writeFileSync(
          file,
          'date,cpu,threads,engine,seed,precision,macro_auc,macro_average_precision,epochs,seconds,command\n',
        )
      }
      const command = `node bench/precision.mjs ${[recipe, data, ...flags].join(' ')}`
      const row = [new Date().toISOString().slice(0, 10), cpus()[0].model, threads, engine, seed, precision]
      row.push(metrics.test.macro.auc, metrics.test.macro.average_precision, epochs, seconds, `"${command}"`)
      appendFileSync(file, `${row.join(',')}\n`)
    }
  }
}
rmSync(folder, { recursive: true })
for (const [precision, runs] of Object.entries(results)) {
  const aucs = runs.map(({ auc }) => auc)
  const mean = aucs.reduce((a, b) => a + b, 0) / aucs.length
  console.log(
    `${precision.padEnd(8)} mean AUC ${mean.toFixed(4)}, from ${Math.min(...aucs).toFixed(4)} to ${Math.max(...aucs).toFixed(4)}`,
  )
}
