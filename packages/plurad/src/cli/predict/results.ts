/** What was found in each image, as every output of `plurad predict` takes it. */
import type { Predictions } from '../../metrics/predictions.js'
import type { ModelInfo } from '../../models/model-info.js'
import { calibratedScores } from '../../predict/findings.js'
import type { OutOfDistribution } from '../../predict/out-of-distribution.js'

/** An outcome of prediction, whichever engine it came from. */
export interface Outcome {
  info: ModelInfo
  predictions: Pick<Predictions, 'labels' | 'images' | 'scores'>
  /** One an image; null where the model was exported without. */
  outOfDistribution: readonly OutOfDistribution[] | null
  unreadable: readonly { image: string; reason: string }[]
  warnings: readonly { image: string; reason: string }[]
  /** Sets of views over which the scores are means (`--tta`); left out where they are of each image as it is. */
  views?: readonly string[]
}

/** Per cent of the validation images beyond which an image counts as unlike them. */
const UNUSUAL = 99

export interface Finding {
  label: string
  /** What the model gives, in [0, 1]. */
  probability: number
  /** After the calibration of the model file; null where that has none. */
  calibrated: number | null
  /** Calibrated probability from which it counts as present; null where none could be tuned. */
  threshold: number | null
  present: boolean | null
}

export interface ImageResult {
  image: string
  /** In the order of the labels. */
  findings: Finding[]
  outOfDistribution: OutOfDistribution | null
  warning: string | null
}

/** One an image that could be read, in the order given. */
export function resultsOf({ info, predictions, outOfDistribution, warnings }: Outcome): ImageResult[] {
  const { labels, images, scores } = predictions
  const calibratedOnes = calibratedScores(info, scores)
  const warningOf = new Map(warnings.map(({ image, reason }) => [image, reason]))
  return images.map((image, row) => ({
    image,
    findings: labels.map((label, i) => {
      const at = row * labels.length + i
      const probability = scores[at]
      const threshold = info.thresholds[i] ?? null
      const calibrated = calibratedOnes?.[at] ?? null
      return {
        label,
        probability,
        calibrated,
        threshold,
        present: threshold === null ? null : (calibrated ?? probability) >= threshold,
      }
    }),
    outOfDistribution: outOfDistribution?.[row] ?? null,
    warning: warningOf.get(image) ?? null,
  }))
}

/** Those that are shown by heat maps: what is present, the most probable first; the most probable one where nothing is. */
export function shownFindings(findings: readonly Finding[]): Finding[] {
  const sorted = [...findings].sort((a, b) => b.probability - a.probability)
  const present = sorted.filter((finding) => finding.present)
  return present.length > 0 ? present : sorted.slice(0, 1)
}

/** Whether an image is of another kind than those that the model knows. */
export function isUnlike({ percentile }: OutOfDistribution): boolean {
  return percentile >= UNUSUAL
}
