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

/**
 * Sets the independent cases that means rest on: as many as make the variance of the mean as uncertain as the labels' few cases do
 * (Satterthwaite, Biometrics Bulletin 2, 1946). A mean whose spread comes from its rare labels rests on their cases.
 *
 * @param cases [F] those of the means are set.
 * @param clusters How many there are at most.
 */
export function setMeanCases(
  cases: Float64Array,
  means: readonly LabelMean[],
  replicates: readonly Float64Array[],
  clusters: number,
): void {
  for (const { at, parts } of means) {
    let [sum, squares, all] = [0, 0, 0]
    for (const part of parts) {
      const variance = varianceOf(replicates, part)
      all += cases[part]
      sum += variance
      squares += variance ** 2 / Math.max(1, cases[part] - 1)
    }
    cases[at] = Math.min(clusters, squares > 0 ? sum ** 2 / squares + 1 : all)
  }
}

/** Of the samples in which the figure is defined; 0 with fewer than two. */
function varianceOf(rows: readonly Float64Array[], index: number): number {
  let [count, mean, squares] = [0, 0, 0]
  for (const row of rows) {
    if (Number.isNaN(row[index])) continue
    const off = row[index] - mean
    mean += off / ++count
    squares += off * (row[index] - mean)
  }
  return count > 1 ? squares / (count - 1) : 0
}
