import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { generatePhantoms } from '../data/phantom/index.js'
import { readSplit } from '../data/split-file.js'
import { openDataset } from '../data/sets/open.js'
import { RunError } from '../errors.js'
import { RunFolder } from '../run/folder.js'
import { printFindings, predictFiles } from './predict.js'
import { bar, Progress } from './progress.js'
import { runTraining } from './train.js'

/** Enough for a network to learn something within three minutes on two processors. */
const PHANTOMS = { count: 1400, size: 64, seed: 0 }

export function register(program: Command): void {
  program
    .command('demo')
    .description('the whole way in a few minutes: make a data set, train, evaluate, predict, report')
    .option('--out <folder>', 'where data set and run go', 'plurad-demo')
    .addHelpText(
      'after',
      '\nThe images are phantoms: synthetic chest radiographs, drawn by this program.\n\nExample:\n  plurad demo',
    )
    .action(async ({ out }: { out: string }) => {
      const started = performance.now()
      const data = join(out, 'phantoms')
      const run = join(out, await nextRun(out))
      const progress = new Progress()
      const say = (text: string): void => progress.line(text)
      say(`1  Data: ${PHANTOMS.count} synthetic chest radiographs into ${data}`)
      await generatePhantoms(resolve(data), {
        ...PHANTOMS,
        onProgress: (done, total) => progress.update(`   ${bar(done / total)} ${done}/${total}`),
      })
      say(`\n2  Training: plurad train demo --data ${data} --out ${run}`)
      await runTraining(
        { recipe: 'demo', data, out: run, changes: [], resume: false, strict: false, allowLeakage: false },
        false,
      )
      if (process.exitCode !== undefined && process.exitCode !== 0) return
      const image = await someTestImage(data, run)
      say(`\n3  Prediction: plurad predict ${run} ${image}\n`)
      printFindings(await predictFiles({ models: [run], files: [image] }), {})
      const seconds = Math.round((performance.now() - started) / 1000)
      say(
        `Done in ${Math.floor(seconds / 60)} min ${seconds % 60} s. The report is ${resolve(run, 'report.html')}`,
      )
      say(`The same on your own images:\n  plurad train chexnet --data YOUR_FOLDER_OR_CSV --out runs/first`)
    })
}

/** `run`, or `run-2` and so on where there is one already: nothing is ever overwritten. */
async function nextRun(out: string): Promise<string> {
  const names = new Set(existsSync(out) ? await readdir(out) : [])
  for (let i = 1; ; i++) {
    const name = i === 1 ? 'run' : `run-${i}`
    if (!names.has(name)) return name
  }
}

/** The image of the test split with the most findings. */
async function someTestImage(data: string, run: string): Promise<string> {
  const dataset = await openDataset(data)
  const assignment = await readSplit(new RunFolder(run).split, dataset)
  const findings = (labels: readonly unknown[]): number => labels.filter((value) => value === 1).length
  const candidates = dataset.samples.filter((_, i) => assignment[i] === 'test')
  const chosen = candidates.sort((a, b) => findings(b.labels) - findings(a.labels))[0]
  if (!chosen) throw new RunError(`The test split of ${run} is empty.`)
  return join(data, 'images', chosen.image)
}
