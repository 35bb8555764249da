import type { LabelGroup } from '../groups.js'
import type { Figure } from './figures.js'

/** A mean over labels: its place among the figures, and the places of what it is the mean of. */
export interface LabelMean {
  at: number
  parts: readonly number[]
}

/** @param members [L] each label's group, for means over groups. */
export function labelMeans(
  figures: readonly Figure[],
  labels: readonly string[],
  members: readonly LabelGroup[] | null,
): LabelMean[] {
  const places = new Map<string, number[]>()
  const note = (of: string, metric: string, at: number): void => {
    const key = `${of} ${metric}`
    places.set(key, [...(places.get(key) ?? []), at])
  }
  figures.forEach(({ of, label, metric }, at) => {
    if (of !== 'labels') return
    note('macro', metric, at)
    const group = members?.[labels.indexOf(label ?? '')]
    if (group !== undefined) note(group, metric, at)
  })
  return figures.flatMap(({ of, metric }, at) => {
    const parts = of === 'labels' ? undefined : places.get(`${of} ${metric}`)
    return parts === undefined ? [] : [{ at, parts }]
  })
}

/**
 * Lets a sample's means speak of the same labels as those of all images. A rare label is not defined in a sample without
 * any of its positives; left out there, it would move the mean by what sets it apart from the other labels, and the interval away
 * from the figure. So it takes part with its value on all images.
 *
 * @param values [F] of the sample; its means are set anew.
 * @param whole [F] on all images.
 */
export function keepLabels(values: Float64Array, whole: Float64Array, means: readonly LabelMean[]): void {
  for (const { at, parts } of means) {
    let [sum, count] = [0, 0]
    for (const part of parts) {
      if (Number.isNaN(whole[part])) continue
      sum += Number.isNaN(values[part]) ? whole[part] : values[part]
      count++
    }
    values[at] = sum / count
  }
}
