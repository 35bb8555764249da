/** How well the heatmaps of many images point at readers' boxes, a label at a time. */
import { patientClusters, type Interval } from '../../metrics/intervals/index.js'
import { REGION_THRESHOLDS, type LocalisationMeasures } from './measures.js'
import { clusteredBootstrap, clusteredWilson } from './proportion.js'

/** One image with boxes of one label. */
export interface BoxedCase extends LocalisationMeasures {
  patient: string | null
}

/** A figure and its 95 % interval. */
export interface Estimate {
  value: number
  interval: Interval
}

export interface LocalisationSummary {
  label: string
  images: number
  patients: number
  /** Share of images whose highest point lies in a box. */
  pointing: Estimate
  /** What a point at random gets: the share of the area that the boxes cover. */
  chance: number
  /**
   * What the best fixed point for the label would get, chosen in hindsight: an anatomical guess that needs no image. No
   * map that is the same for every image can point better.
   */
  fixed_point: number
  /** Mean share of what speaks for the label that lies in the boxes; by chance, `chance`. */
  energy: Estimate
  /** Mean intersection over union, one a threshold of the region. */
  iou: (Estimate & { threshold: number })[]
}

/** @param cases at least one, all measured in squares of one size */
export function summarise(label: string, cases: readonly BoxedCase[]): LocalisationSummary {
  const clusters = patientClusters(cases.map(({ patient }) => patient))
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const estimate = (values: readonly number[]): Estimate => ({
    value: mean(values),
    interval: clusteredBootstrap(values, clusters),
  })
  const hits = cases.map(({ hit }) => hit)
  return {
    label,
    images: cases.length,
    patients: clusters.count,
    pointing: { value: mean(hits.map(Number)), interval: clusteredWilson(hits, clusters) },
    chance: mean(cases.map(({ chance }) => chance)),
    fixed_point: bestFixedPoint(cases),
    energy: estimate(cases.map(({ energy }) => energy)),
    iou: REGION_THRESHOLDS.map((threshold, i) => ({
      threshold,
      ...estimate(cases.map(({ iou }) => iou[i])),
    })),
  }
}

/** The largest share of images whose boxes hold one and the same point. */
function bestFixedPoint(cases: readonly BoxedCase[]): number {
  const counts = new Uint32Array(cases[0].inside.length)
  for (const { inside } of cases) inside.forEach((value, at) => (counts[at] += value))
  return counts.reduce((most, value) => Math.max(most, value), 0) / cases.length
}
