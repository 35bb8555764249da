import type { Command } from 'commander'
import { auditDataset, type Audit } from '../../data/audit/audit.js'
import { picturesOf } from '../../data/audit/pictures.js'
import type { Dataset, Split } from '../../data/dataset.js'
import { readGivenSplit } from '../../data/split-given.js'
import { auditPage } from '../../report/inspect/audit-page.js'
import { Progress } from '../progress.js'
import { auditText, EXAMPLES } from './audit-text.js'
import { datasetOptions, openFromFlags, type DatasetFlags } from './dataset-flags.js'
import {
  checkOut,
  lookingOptions,
  readingFrom,
  showProgress,
  writeOut,
  type LookingFlags,
} from './looking-flags.js'

interface Flags extends DatasetFlags, LookingFlags {
  recipe?: string | undefined
  splitFile?: string
  subset?: boolean
}

export function register(data: Command): void {
  const command = datasetOptions(
    data
      .command('audit')
      .description(
        'look for what would make results wrong: leaks, copies, damaged or odd images, useless labels',
      )
      .argument('<data>', 'a folder in a known layout, or a table'),
  )
  lookingOptions(
    command
      .option(
        '--split-file <path>',
        "check this split, not the data set's own: a split.csv, or a folder of lists",
      )
      .option('--subset', 'with --split-file: let pass names that the data set does not have'),
  )
    .addHelpText(
      'after',
      `
Errors would make results wrong; the exit code is 1 where there is one. Warnings are worth a look, notes are good to
know. Images are named as the table names them, also where such a name tells the patient.

Examples:
  plurad data audit ChestX-ray14
  plurad data audit images.csv --split-file runs/first/split.csv --out audit.html
  plurad data audit chexpert.csv --rows-only --json`,
    )
    .action(audit)
}

async function audit(location: string, flags: Flags): Promise<void> {
  const { out, rowsOnly = false, withIds = false, json = false } = flags
  checkOut('data audit', out)
  const reading = await readingFrom('data audit', flags)
  const dataset = await openFromFlags(location, flags, { requireImages: !rowsOnly })
  const assignment = await splitOf(dataset, flags)
  const progress = new Progress({ quiet: json })
  const show = showProgress(progress)
  const found = await auditDataset(dataset, {
    ...reading,
    location,
    images: flags.images,
    assignment,
    pixels: !rowsOnly,
    withIds,
    onProgress: show,
  })
  const outcome = outcomeOf(found)
  const page = async (): Promise<string> =>
    auditPage(found, {
      items: EXAMPLES,
      pictures: await picturesOf(found, EXAMPLES, {
        ...reading,
        onProgress: (done, total) => show('Drawing', done, total),
      }),
    })
  const written = out === undefined ? [] : await writeOut(out, 'audit', await page(), outcome)
  progress.clear()
  process.stdout.write(
    json ? `${JSON.stringify({ ...outcome, written }, null, 2)}\n` : auditText(found, written),
  )
  if (outcome.errors > 0) process.exitCode = 1
}

async function splitOf(dataset: Dataset, { splitFile, subset = false }: Flags): Promise<Split[] | undefined> {
  if (splitFile === undefined) return undefined
  return (await readGivenSplit(splitFile, dataset, { subset })).assignment
}

/** What JSON says: of every finding some examples in words, and all images by name. */
function outcomeOf({ name, rows, images, patients, labels, splits, findings, passed, notChecked }: Audit) {
  const of = (wanted: string): number => findings.filter(({ severity }) => severity === wanted).length
  return {
    data: name,
    ...{ rows, images, patients, labels, splits },
    errors: of('error'),
    warnings: of('warning'),
    notes: of('note'),
    findings: findings.map(({ check, severity, summary, advice, count, items, images: names }) => ({
      ...{ check, severity, summary, advice, count },
      examples: items.slice(0, EXAMPLES),
      images: names,
    })),
    passed,
    not_checked: notChecked,
  }
}
