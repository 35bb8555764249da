import type { Dataset } from '../dataset.js'
import { filesOf, sourceOf } from '../source.js'
import { evenlyFrom } from './evenly.js'
import { HISTOGRAM_BINS, type ImageFacts } from './image-facts.js'
import { askImages, type ImageJobOptions } from './image-jobs.js'

/** What image files are like, of those that were looked at. */
export interface ImageSummary {
  /** Images looked at, of how many; of these could not be read. */
  examined: number
  of: number
  failed: number
  /** Why the first of them could not be read. */
  failures: readonly string[]
  formats: readonly Counted<string>[]
  /** `1024 x 1024`, the most frequent first. */
  sizes: readonly Counted<string>[]
  /** Shorter and longer side, pixels; null where nothing could be read. */
  shortest: number | null
  longest: number | null
  /** `8-bit grey`, `16-bit grey`, `8-bit colour` and so on. */
  kinds: readonly Counted<string>[]
  /** Stored in three channels that are all the same. */
  grey_in_colour: number
  /** Of all files looked at. */
  bytes: number
  /** Least and greatest value of any image, as a share of full scale. */
  low: number
  high: number
  /** Mean value of the images, and its standard deviation among them: shares of full scale. */
  mean: number
  deviation: number
  /** Share of the values in each of 32 equal parts of full scale; every image counts the same. */
  histogram: readonly number[]
  /** What the readers had to say of values, with how many images it was said of; the most frequent first. */
  warnings: readonly Counted<string>[]
}

export interface Counted<Value> {
  value: Value
  images: number
}

const SHOWN_FAILURES = 10

/**
 * Reads images, evenly drawn where not all are wanted: the same ones every time.
 *
 * @param most images to read; null for all
 * @throws PluradError where a reading thread dies
 */
export async function summariseImages(
  { samples }: Pick<Dataset, 'samples'>,
  most: number | null,
  options: ImageJobOptions,
): Promise<ImageSummary> {
  const all = samples.flatMap((sample) => filesOf(sourceOf(sample)))
  const chosen = most === null ? all : evenlyFrom(all, most)
  const facts = new Array<KeptFacts | undefined>(chosen.length)
  const failures = new Array<string | undefined>(chosen.length)
  await askImages('facts', chosen, options, (index, answer) => {
    if ('value' in answer) facts[index] = kept(answer.value)
    else failures[index] = answer.reason
  })
  const read = facts.filter((fact) => fact !== undefined)
  const reasons = failures.filter((reason) => reason !== undefined)
  return {
    examined: chosen.length,
    of: all.length,
    failed: reasons.length,
    failures: reasons.slice(0, SHOWN_FAILURES),
    ...describe(read),
  }
}

/** Without what is of no use here: there may be a million. */
type KeptFacts = Omit<ImageFacts, 'thumbnail' | 'digest'>

function kept({ thumbnail: _, digest: __, ...facts }: ImageFacts): KeptFacts {
  return facts
}

type Described = Omit<ImageSummary, 'examined' | 'of' | 'failed' | 'failures'>

function describe(read: readonly KeptFacts[]): Described {
  const sides = read.flatMap(({ width, height }) => [width, height]).sort((a, b) => a - b)
  const mean = average(read.map((facts) => facts.mean))
  const histogram = Array.from({ length: HISTOGRAM_BINS }, (_, bin) =>
    average(read.map((facts) => facts.histogram[bin])),
  )
  return {
    formats: counts(read.map(({ format }) => format)),
    sizes: counts(read.map(({ width, height }) => `${width} x ${height}`)),
    shortest: sides[0] ?? null,
    longest: sides.at(-1) ?? null,
    kinds: counts(read.map(({ bits, channels }) => `${bits}-bit ${channels === 1 ? 'grey' : 'colour'}`)),
    grey_in_colour: read.filter(({ greyInColour }) => greyInColour).length,
    bytes: read.reduce((sum, { bytes }) => sum + bytes, 0),
    low: read.reduce((least, { low }) => Math.min(least, low), 1),
    high: read.reduce((most, { high }) => Math.max(most, high), 0),
    mean,
    deviation: Math.sqrt(average(read.map((facts) => (facts.mean - mean) ** 2))),
    histogram,
    warnings: counts(read.flatMap(({ warning }) => (warning === undefined ? [] : [warningKind(warning)]))),
  }
}

/** A warning without the numbers that differ from file to file, so that the same trouble is one text. */
export function warningKind(warning: string): string {
  return warning.replace(/\d+(\.\d+)? ?(?=of \d|%)/g, '… ')
}

/** Of nothing, 0. */
function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

function counts(values: readonly string[]): Counted<string>[] {
  const found = new Map<string, number>()
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1)
  return [...found]
    .map(([value, images]) => ({ value, images }))
    .sort((a, b) => b.images - a.images || (a.value < b.value ? -1 : 1))
}
