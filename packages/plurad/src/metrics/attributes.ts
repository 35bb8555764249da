import type { Metadata } from '../data/dataset.js'
import { DataError } from '../errors.js'

/** Something that images can be grouped by, such as the patient's sex or the device. */
export interface Attribute {
  name: string
  /** [N] the group of each image; null where it is unknown. */
  values: readonly (string | null)[]
  /** Groups in the order of the table; left out where the largest comes first. */
  order?: readonly string[] | undefined
}

/** Lower ends of the age bands, years. */
const AGE_BANDS: readonly number[] = [0, 18, 40, 60, 80]

/** A column of more different texts is no grouping. */
const MOST_GROUPS = 20
/** A column of more different numbers is cut into bands. */
const MOST_NUMBERS = 10
const BANDS = 4

/**
 * Ages in the bands 0-17, 18-39, 40-59, 60-79 and 80+.
 *
 * @param ages [N] years; null where unknown
 */
export function ageAttribute(ages: readonly (number | null)[]): Attribute {
  const names = AGE_BANDS.map((low, band) =>
    band + 1 < AGE_BANDS.length ? `${low}-${AGE_BANDS[band + 1] - 1}` : `${low}+`,
  )
  const bandOf = (age: number): string => names[AGE_BANDS.findLastIndex((low) => age >= low)] ?? names[0]
  return { name: 'age', values: ages.map((age) => (age === null ? null : bandOf(age))), order: names }
}

/**
 * Any column: its texts as they are, or, where all are numbers and more than 10 are different, four bands with about the
 * same number of images each. A column called `age` gets {@link ageAttribute}'s bands.
 *
 * @param cells [N] blank where unknown
 * @throws DataError where there are too many groups to be any
 */
export function columnAttribute(name: string, cells: readonly string[]): Attribute {
  const texts = cells.map((cell) => (cell.trim() === '' ? null : cell.trim()))
  const known = texts.filter((text) => text !== null)
  const different = [...new Set(known)]
  const numeric = known.length > 0 && known.every((text) => Number.isFinite(Number(text)))
  if (numeric && /^(patient )?age$/i.test(name)) {
    const { values, order } = ageAttribute(texts.map((text) => (text === null ? null : Number(text))))
    return { name, values, order }
  }
  if (numeric && different.length > MOST_NUMBERS) {
    return inBands(
      name,
      texts.map((text) => (text === null ? null : Number(text))),
    )
  }
  if (different.length > MOST_GROUPS) {
    throw new DataError(
      `The column '${name}' has ${different.length} different values: expected groups, at most ${MOST_GROUPS}. Group its ` +
        'values in the table, or name another column.',
    )
  }
  return {
    name,
    values: texts,
    ...(numeric ? { order: different.sort((a, b) => Number(a) - Number(b)) } : {}),
  }
}

/** Cut at the quartiles; equal numbers stay together, so that bands may differ in size or be fewer. */
function inBands(name: string, numbers: readonly (number | null)[]): Attribute {
  const sorted = numbers.filter((value) => value !== null).sort((a, b) => a - b)
  const cuts = Array.from(
    { length: BANDS - 1 },
    (_, i) => sorted[Math.ceil(((i + 1) / BANDS) * sorted.length)],
  )
  const lows = [...new Set([sorted[0], ...cuts])]
  const names = lows.map((low, band) => (band + 1 < lows.length ? `${low} to <${lows[band + 1]}` : `${low}+`))
  const bandOf = (value: number): string => names[lows.findLastIndex((low) => value >= low)]
  return { name, values: numbers.map((value) => (value === null ? null : bandOf(value))), order: names }
}

/**
 * Sex, age and view of images, each where at least two groups of it are known; a view of which there are too many is left out.
 *
 * @param metadata [N]
 */
export function metadataAttributes(metadata: readonly Metadata[]): Attribute[] {
  const views = metadata.map(({ view }) => view)
  const all: Attribute[] = [
    { name: 'sex', values: metadata.map(({ sex }) => sex) },
    ageAttribute(metadata.map(({ age }) => age)),
    ...(new Set(views).size > MOST_GROUPS ? [] : [{ name: 'view', values: views }]),
  ]
  return all.filter(({ values }) => new Set(values.filter((value) => value !== null)).size > 1)
}
