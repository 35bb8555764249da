import type { Command } from 'commander'
import type { Grouping } from '../../data/inspect/label-groups.js'
import { inspectDataset, SAMPLE_IMAGES, type Inspection } from '../../data/inspect/inspect.js'
import { UsageError } from '../../errors.js'
import { inspectPage } from '../../report/inspect/inspect-page.js'
import { Progress } from '../progress.js'
import { datasetOptions, openFromFlags, type DatasetFlags } from './dataset-flags.js'
import { inspectText } from './inspect-text.js'
import {
  checkOut,
  lookingOptions,
  readingFrom,
  showProgress,
  wholeNumber,
  writeOut,
  type LookingFlags,
} from './looking-flags.js'

interface Flags extends DatasetFlags, LookingFlags {
  recipe?: string | undefined
  sample?: string
  groups: string
  contact?: string
}

/** Images a label on the contact sheet of a page. */
const CONTACT_IMAGES = 6

export function register(data: Command): void {
  const command = datasetOptions(
    data
      .command('inspect')
      .description('what a data set holds: labels, patients, splits, metadata, images')
      .argument('<data>', 'a folder in a known layout, or a table'),
  )
  lookingOptions(
    command
      .option('--sample <n>', `images to read, evenly drawn, or all (default: ${SAMPLE_IMAGES})`)
      .option('--groups <by>', "head, medium and tail by a label's share of images, or its count", 'share')
      .option('--contact <n>', `images a label on the page's contact sheet (default: ${CONTACT_IMAGES})`),
  )
    .addHelpText(
      'after',
      `
Groups by share: head from 5 % of the images on, tail below 1 %. By count, as CXR-LT: head above 1,000, tail below 100.

Examples:
  plurad data inspect ChestX-ray14
  plurad data inspect images.csv --sample all --out inspect.html
  plurad data inspect chexpert.csv --rows-only --groups count --json`,
    )
    .action(inspect)
}

async function inspect(location: string, flags: Flags): Promise<void> {
  const { out, rowsOnly = false, withIds = false, json = false } = flags
  checkOut('data inspect', out)
  const grouping = groupingOf(flags.groups)
  const sample = rowsOnly ? 0 : sampleOf(flags.sample)
  const each = wholeNumber('data inspect', '--contact', flags.contact) ?? CONTACT_IMAGES
  const reading = await readingFrom('data inspect', flags)
  const dataset = await openFromFlags(location, flags, { requireImages: !rowsOnly })
  const progress = new Progress({ quiet: json })
  const inspection = await inspectDataset(dataset, {
    ...reading,
    grouping,
    sample,
    contact: out === undefined || rowsOnly ? 0 : each,
    onProgress: showProgress(progress),
  })
  progress.clear()
  const outcome = outcomeOf(inspection)
  const written =
    out === undefined
      ? []
      : await writeOut(out, 'inspect', await inspectPage(inspection, { withIds }), outcome)
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...outcome, written }, null, 2)}\n`
      : inspectText(inspection, dataset.notes ?? [], written),
  )
}

/** What JSON says: everything but the pictures. */
function outcomeOf({ name, fingerprint, rows, images }: Inspection) {
  return { data: name, fingerprint, ...rows, images }
}

function groupingOf(text: string): Grouping {
  if (text === 'share' || text === 'count') return text
  throw new UsageError(`data inspect: --groups ${text}: expected share or count`)
}

function sampleOf(text: string | undefined): number | null {
  if (text === 'all') return null
  return wholeNumber('data inspect', '--sample', text) ?? SAMPLE_IMAGES
}
