/** An inspection as text for people: tables within 100 columns. */
import type { Inspection } from '../../data/inspect/inspect.js'
import type { ImageSummary } from '../../data/inspect/image-summary.js'
import { groupLimits } from '../../data/inspect/label-groups.js'
import type { LabelSummary, RowSummary } from '../../data/inspect/row-summary.js'
import { formatBytes } from '../../disk-space.js'
import { formatPlural } from '../../report/format.js'
import { ageText, countedText, valuesText } from '../../report/inspect/words.js'
import { formatTable, type Cell } from '../table.js'
import { wrapped } from '../wrap.js'

/** Longer names would leave no room for the numbers. */
const LONGEST_NAME = 40

/** Columns that a matrix may take. */
const WIDTH = 100

const SHOWN_PAIRS = 12
const SHOWN_WARNINGS = 6

export function inspectText(
  { name, rows, images }: Inspection,
  notes: readonly string[],
  written: readonly string[],
): string {
  const blocks = [
    [headline(name, rows), ...notes.flatMap((note) => wrapped(note, '')), ...aboutRows(rows)],
    [labelTable(rows)],
    [labelsARow(rows)],
    together(rows),
    ...(rows.splits === null ? [] : [[splitTable(rows)]]),
    metadata(rows),
    ...(images === null ? [] : [aboutImages(images)]),
    ...(written.length === 0 ? [] : [[`Written     ${written.join(', ')}`]]),
  ]
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`
}

/** 1234 -> `1,234` */
function count(number: number): string {
  return number.toLocaleString('en-US')
}

function percent(share: number): string {
  const value = 100 * share
  return `${value.toFixed(value > 0 && value < 1 ? 2 : 1)} %`
}

function headline(name: string, { rows, images, patients, labels }: RowSummary): string {
  const files = images === rows ? '' : ` with ${count(images)} images`
  const of = patients === null ? 'patients unknown' : `${count(patients)} patients`
  return `${name}: ${count(rows)} rows${files}, ${of}, ${labels.length} labels`
}

function aboutRows(rows: RowSummary): string[] {
  const { lines, say } = paragraphs()
  if (rows.patients !== null) {
    const without =
      rows.rows_without_patient === 0 ? '' : `; ${count(rows.rows_without_patient)} rows name none`
    say(
      'Patients',
      `${count(rows.patients_with_several)} of ${count(rows.patients)} have several rows, at most ` +
        `${count(rows.most_rows_of_a_patient)}${without}`,
    )
  }
  if (rows.skipped > 0) say('Skipped', `${count(rows.skipped)} rows cannot be used; see plurad data audit`)
  if (rows.imbalance !== null) {
    say(
      'Imbalance',
      `the most frequent label has ${count(Math.round(rows.imbalance * 10) / 10)} times as many rows as the rarest`,
    )
  }
  say(
    'Unknown',
    rows.unknown_values === 0
      ? 'no label value'
      : `${formatPlural(rows.unknown_values, 'label value')} (${percent(rows.unknown_values / (rows.rows * rows.labels.length))}) ` +
          `in ${formatPlural(rows.rows_with_unknown, 'row')}`,
  )
  return lines
}

function short(name: string, longest = LONGEST_NAME): string {
  return name.length > longest ? `${name.slice(0, longest - 1)}…` : name
}

function byFrequency(labels: readonly LabelSummary[]): LabelSummary[] {
  return [...labels].sort((a, b) => b.positives - a.positives)
}

function labelTable({ labels, patients, unknown_values: unknown, grouping }: RowSummary): string {
  const header = [
    'label',
    'rows with it',
    'share',
    ...(patients === null ? [] : ['patients']),
    ...(unknown === 0 ? [] : ['unknown']),
    'group',
  ]
  const lines = byFrequency(labels).map((label): Cell[] => [
    short(label.label),
    label.positives,
    (label.share === null ? '-' : percent(label.share)).padStart(7),
    ...(patients === null ? [] : [label.patients]),
    ...(unknown === 0 ? [] : [label.unknown]),
    label.group,
  ])
  const { head, tail } = groupLimits[grouping]
  const limits =
    grouping === 'share'
      ? `Head: ${100 * head} % of the rows or more; tail: below ${100 * tail} %.`
      : `Head: ${count(head)} rows or more; tail: below ${count(tail)}.`
  return `${formatTable(header, lines)}\n${limits}`
}

function labelsARow({ labels_a_row: rows, mean_labels: mean }: RowSummary): string {
  const most = 12
  const shown = rows.slice(0, most).map((_, labels) => String(labels))
  const counts = rows.slice(0, most) as Cell[]
  if (rows.length > most) {
    shown.push(`${most} or more`)
    counts.push(rows.slice(most).reduce((sum, of) => sum + of, 0))
  }
  return `${formatTable(['labels in a row', ...shown], [['rows', ...counts]])}\n${mean.toFixed(2)} on average.`
}

/** The matrix where there is room, else the pairs that come most often. */
function together({ labels, together: both, known }: RowSummary): string[] {
  const order = labels.map((_, index) => index).sort((a, b) => both[b][b] - both[a][a])
  const rows = order.map((row, at): Cell[] => [
    `${at + 1} ${short(labels[row].label, 22)}`,
    ...order.map((column) => both[row][column]),
  ])
  const matrix = formatTable(['', ...order.map((_, at) => String(at + 1))], rows)
  if (matrix.split('\n').every((line) => line.length <= WIDTH)) return ['Rows that have both labels', matrix]
  const pairs = order.flatMap((row, at) =>
    order.slice(at + 1).map((column) => ({ row, column, rows: both[row][column] })),
  )
  pairs.sort((a, b) => b.rows - a.rows)
  const shown = pairs.slice(0, SHOWN_PAIRS).filter(({ rows }) => rows > 0)
  if (shown.length === 0) return ['No row has two labels.']
  const share = (row: number, column: number): string =>
    percent(both[row][column] / known[row][column]).padStart(7)
  const lines = shown.map(({ row, column, rows }): Cell[] => [
    short(labels[row].label, 28),
    short(labels[column].label, 28),
    rows,
    share(row, column),
    share(column, row),
  ])
  return [
    'Labels that come together most',
    formatTable(['first', 'second', 'rows', 'of first', 'of second'], lines),
  ]
}

function splitTable({ splits, patients }: RowSummary): string {
  const lines = (splits ?? []).map(({ split, rows, patients: of, positives }): Cell[] => [
    split,
    rows,
    ...(patients === null ? [] : [of]),
    positives.filter((number) => number > 0).length,
    Math.min(...positives),
  ])
  const header = ['split', 'rows', ...(patients === null ? [] : ['patients']), 'labels it has', 'rarest']
  return formatTable(header, lines)
}

function metadata({ age, sex, view, rows }: RowSummary): string[] {
  if ([age, sex, view].every(({ unknown }) => unknown === rows)) return ['Age, sex and view are unknown.']
  const { lines, say } = paragraphs()
  say('Age', ageText(age))
  say('Sex', valuesText(sex))
  say('View', valuesText(view))
  return lines
}

function aboutImages(images: ImageSummary): string[] {
  const { examined, of, failed, sizes, grey_in_colour: grey } = images
  const { lines, say } = paragraphs()
  say(
    'Images',
    examined === of ? `all ${count(of)} read` : `${count(examined)} of ${count(of)} read, evenly drawn`,
  )
  if (failed > 0) say('Damaged', `${count(failed)} cannot be read: ${images.failures[0]}`)
  if (failed === examined) return lines
  say('Format', `${countedText(images.formats)}; ${formatBytes(images.bytes)}`)
  say(
    'Size',
    countedText(sizes) + (sizes.length > 1 ? `; sides from ${images.shortest} to ${images.longest}` : ''),
  )
  say('Kind', countedText(images.kinds) + (grey > 0 ? `; ${count(grey)} grey stored as colour` : ''))
  say(
    'Values',
    `from ${percent(images.low)} to ${percent(images.high)} of full scale; mean of an image ${percent(images.mean)} ± ` +
      percent(images.deviation),
  )
  for (const { value, images: about } of images.warnings.slice(0, SHOWN_WARNINGS)) {
    say('Warning', `${formatPlural(about, 'image')}: ${value}`)
  }
  return lines
}

/** Lines of a title and a text each, wrapped. */
function paragraphs(): { lines: string[]; say: (title: string, text: string) => void } {
  const lines: string[] = []
  const say = (title: string, text: string): void => {
    lines.push(...wrapped(text, ' '.repeat(12), title.padEnd(12)))
  }
  return { lines, say }
}
