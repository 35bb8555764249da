import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue, Sample } from '../dataset.js'
import { fingerprint } from './assemble.js'
import { findingKey } from './synonyms.js'
import { listed } from './table.js'

export interface MergeOptions {
  /** Labels of any set, labels that all sets have, or these. */
  labels?: 'union' | 'intersection' | readonly string[] | undefined
  /** Whether the sets' own splits are kept; `auto`: where every set gives one to all its images. */
  split?: 'auto' | 'keep' | 'none' | undefined
}

/**
 * Several data sets as one. Labels are matched by name, whatever their case, spaces and underscores, and by
 * `synonyms.ts`; a label that a set does not have is unknown for all its images, as in torchxrayvision's
 * `relabel_dataset`. Images and patients get the name of their set before them: `nih/00000001_000.png`.
 *
 * @param sets with names that differ
 * @throws DataError for two sets of one name, and labels that no set has
 */
export function mergeDatasets(name: string, sets: readonly Dataset[], options: MergeOptions = {}): Dataset {
  const names = sets.map((set) => set.name)
  const twice = names.find((one, index) => names.indexOf(one) !== index)
  if (twice !== undefined)
    throw new DataError(`${name}: two sets are called "${twice}". Give one another name.`)
  const labels = chooseLabels(name, sets, options.labels ?? 'union')
  const keepSplit = options.split === 'keep' || (options.split !== 'none' && sets.every(isSplit))
  const samples = sets.flatMap((set) => relabelledSamples(set, labels, keepSplit))
  const starts = sets.map((_, at) => sets.slice(0, at).reduce((sum, set) => sum + set.samples.length, 0))
  const uncertain = sets.flatMap((set, at) =>
    (set.uncertain ?? []).flatMap(([sample, label]) => {
      const to = labels.findIndex((one) => findingKey(one) === findingKey(set.labels[label]))
      return to < 0 ? [] : [[sample + starts[at], to] as const]
    }),
  )
  const ignored =
    keepSplit || options.split === 'none' ? [] : sets.filter((set) => set.samples.some(hasSplit))
  const notes = [
    ...sets.flatMap((set) => set.notes ?? []),
    ...(ignored.length === 0
      ? []
      : [
          `The split of ${ignored.map((set) => set.name).join(', ')} is not used, because not every set gives one; the ` +
            'setting split: keep uses it.',
        ]),
  ]
  return {
    name,
    labels,
    samples,
    skipped: sets.flatMap((set) =>
      set.skipped.map(({ image, reason }) => ({ image: `${set.name}/${image}`, reason })),
    ),
    fingerprint: fingerprint(labels, samples),
    ...(notes.length > 0 && { notes }),
    ...(sets.some((set) => set.uncertain) && { uncertain }),
  }
}

const hasSplit = (sample: Sample): boolean => sample.split !== undefined
const isSplit = (set: Dataset): boolean => set.samples.every(hasSplit)

function chooseLabels(
  name: string,
  sets: readonly Dataset[],
  wanted: NonNullable<MergeOptions['labels']>,
): readonly string[] {
  const firstNames = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const set of sets) {
    for (const key of new Set(set.labels.map(findingKey))) counts.set(key, (counts.get(key) ?? 0) + 1)
    for (const label of set.labels) {
      if (!firstNames.has(findingKey(label))) firstNames.set(findingKey(label), label)
    }
  }
  if (wanted === 'union') return [...firstNames.values()]
  if (wanted === 'intersection') {
    const shared = [...firstNames]
      .filter(([key]) => counts.get(key) === sets.length)
      .map(([, label]) => label)
    if (shared.length > 0) return shared
    throw new DataError(
      `${name}: the sets ${listed(sets.map((set) => set.name))} have no label in common. Rename labels of one by its ` +
        'setting rename, or take the union.',
    )
  }
  const unknown = wanted.find((label) => !firstNames.has(findingKey(label)))
  if (unknown === undefined) return wanted
  const known = [...firstNames.values()]
  throw new DataError(
    `${name}: no set has the label "${unknown}". There are ${listed(known)}.${didYouMean(unknown, known)}`,
  )
}

/** Samples under the merged labels; those that share their label array go on to do so. */
function relabelledSamples(set: Dataset, labels: readonly string[], keepSplit: boolean): Sample[] {
  const keys = set.labels.map(findingKey)
  const sources = labels.map((label) =>
    keys.flatMap((key, index) => (key === findingKey(label) ? [index] : [])),
  )
  const known = new Map<readonly LabelValue[], readonly LabelValue[]>()
  return set.samples.map((sample) => {
    let values = known.get(sample.labels)
    if (values === undefined) {
      values = Object.freeze(sources.map((parts) => eitherOf(parts.map((part) => sample.labels[part]))))
      known.set(sample.labels, values)
    }
    return {
      ...sample,
      image: `${set.name}/${sample.image}`,
      patient: sample.patient === null ? null : `${set.name}/${sample.patient}`,
      labels: values,
      split: keepSplit ? sample.split : undefined,
    }
  })
}

/** Present where one is, absent where all are, else unknown; unknown where there is none. */
function eitherOf(values: readonly LabelValue[]): LabelValue {
  if (values.includes(1)) return 1
  return values.length === 0 || values.includes(null) ? null : 0
}
