/** What an explanation of one image consists of, whichever engine it came from. */
import type { Heatmap, Resolution } from './heatmap.js'

/** Whether the values sum to what they promise to. */
export interface Completeness {
  /** Sum of the values. */
  sum: number
  /** Logit of the image less that of the baseline. */
  difference: number
  /** Points of the path that were looked at. */
  steps: number
}

export interface Explained {
  /** The reference that the image was asked for by. */
  image: string
  /** Pixels of the image as it is stored. */
  width: number
  height: number
  /** Of all labels of the model. */
  probabilities: Float64Array
  /** Places of the labels that are explained. */
  labels: readonly number[]
  /** One a label of `labels`. */
  heatmaps: readonly Heatmap[]
  resolution: Resolution
  /** Stage of the backbone whose map was looked at, from 1; null where none was. */
  stage: number | null
  completeness?: readonly Completeness[] | undefined
}

/** An image that could not be looked at. */
export interface Unexplained {
  image: string
  reason: string
}
