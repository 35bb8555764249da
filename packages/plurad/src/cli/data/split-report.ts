/** A split as a table for people: every label's positives and patients in each part, within 100 columns. */
import type { Dataset } from '../../data/dataset.js'
import { meanShareDeviation, type PartCount } from '../../data/split-summary.js'
import { formatTable, type Cell } from '../table.js'
import { wrapped } from '../wrap.js'

const WIDTH = 100

interface Counted {
  parts: Record<string, PartCount>
  whole: PartCount
}

interface Ending {
  /** Files that were written. */
  written: readonly string[]
  /** The command to type next. */
  next: string | null
  unknown: number
  /** Splits of the data set itself that were kept. */
  kept: readonly string[]
}

export function splitReport(
  dataset: Pick<Dataset, 'name' | 'labels' | 'samples' | 'skipped'>,
  parts: readonly string[],
  counted: Counted,
  { written, next, unknown, kept }: Ending,
): string {
  const known = dataset.samples.some(({ patient }) => patient !== null)
  const { whole } = counted
  const lines = [
    `${dataset.name}: ${whole.images} images, ${known ? `${whole.patients} patients` : 'patients unknown (each image counts as one)'}, ` +
      `${dataset.labels.length} labels`,
    '',
    sizes(parts, counted, known),
    '',
    ...labelTable(dataset.labels, parts, counted, known),
    '',
    ...remarks(dataset.labels, parts, counted),
  ]
  if (dataset.skipped.length > 0) {
    lines.push(`${dataset.skipped.length} rows were left out, the first: ${dataset.skipped[0]?.reason}`)
  }
  if (kept.length > 0) {
    lines.push(`The data set's own ${kept.join(', ')} kept as given; --ignore-given makes a new split.`)
  }
  if (unknown > 0) lines.push(`${unknown} names in the split file are not in the data set.`)
  if (written.length > 0) lines.push('', `Written     ${written.join(', ')}`)
  if (next !== null) lines.push(`Next        ${next}`)
  return `${lines.join('\n')}\n`
}

function isFold(part: string): boolean {
  return /^\d+$/.test(part)
}

function sizes(parts: readonly string[], { parts: counts, whole }: Counted, known: boolean): string {
  const rows = parts.map((part): Cell[] => {
    const { images, patients } = counts[part]
    const share = `${((100 * images) / Math.max(whole.images, 1)).toFixed(1)} %`
    return [isFold(part) ? `fold ${part}` : part, images, ...(known ? [patients] : []), share.padStart(7)]
  })
  return formatTable(['', 'images', ...(known ? ['patients'] : []), '  share'], rows)
}

/** Positives and, in brackets, patients in each part; where that is too wide (many folds), their range. */
function labelTable(
  labels: readonly string[],
  parts: readonly string[],
  { parts: counts, whole }: Counted,
  known: boolean,
): string[] {
  const cell = ({ positives, patientsWith }: PartCount, label: number) =>
    known ? `${positives[label]} (${patientsWith[label]})` : String(positives[label])
  const header = ['label', 'all', ...parts.map((part) => (isFold(part) ? `fold ${part}` : part))]
  const rows = labels.map((label, i) => [
    label,
    cell(whole, i),
    ...parts.map((part) => cell(counts[part], i)),
  ])
  const full = aligned(header, rows)
  const note = known ? ['Images with the label (patients).'] : ['Images with the label.']
  if (full !== null) return [...note, full]
  const folds = parts.filter(isFold)
  const ranges = labels.map((label, i) => {
    const inFold = folds.map((fold) => counts[fold].positives[i])
    const [least, most] = [Math.min(...inFold), Math.max(...inFold)]
    const without = inFold.filter((count) => count === 0).length
    return [label, cell(whole, i), String(least), String(most), String(without)]
  })
  return [...note, aligned(['label', 'all', 'fewest in a fold', 'most', 'folds without'], ranges) ?? '']
}

/** Right-aligned cells behind a label that is cut short where it has to be; null where even that is too wide. */
function aligned(header: readonly string[], rows: readonly (readonly string[])[]): string | null {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0)
  const first = Math.min(widths[0], WIDTH - others)
  if (first < Math.min(widths[0], 16)) return null
  const short = (text: string) => (text.length > first ? `${text.slice(0, first - 1)}…` : text)
  return [header, ...rows]
    .map(([label, ...cells]) =>
      [short(label).padEnd(first), ...cells.map((text, i) => text.padStart(widths[i + 1]))].join('  '),
    )
    .join('\n')
}

function remarks(
  labels: readonly string[],
  parts: readonly string[],
  { parts: counts, whole }: Counted,
): string[] {
  const lines: string[] = []
  const deviation = meanShareDeviation(
    parts.map((part) => counts[part]),
    whole,
  )
  lines.push(
    `Labels are ${(100 * deviation).toFixed(1)} points from their part's share of the images, on average.`,
  )
  const never = labels.filter((_, i) => whole.positives[i] === 0)
  if (never.length > 0) lines.push(...named('No image has', never))
  for (const part of parts) {
    const missing = labels.filter((_, i) => whole.positives[i] > 0 && counts[part].positives[i] === 0)
    if (missing.length > 0) lines.push(...named(`${isFold(part) ? `Fold ${part}` : part} lacks`, missing))
  }
  return lines
}

/** `val lacks 3 labels: a, b, c`, wrapped. */
function named(what: string, labels: readonly string[]): string[] {
  const count = `${labels.length} ${labels.length === 1 ? 'label' : 'labels'}`
  return wrapped(`${what} ${count}: ${labels.join(', ')}`, '    ')
}
