import { bestF1Threshold } from '../f1.js'
import { hasBothClasses, labelColumns, type LabelColumn } from '../column.js'
import type { Predictions } from '../predictions.js'

/** Where a score becomes a decision. */
export type OperatingPoint =
  | { rule: 'fixed'; threshold: number }
  | { rule: 'youden' }
  | { rule: 'max_f1' }
  | { rule: 'sensitivity'; target: number }
  | { rule: 'specificity'; target: number }

/**
 * A decision threshold for each label.
 *
 * @param validation Of the validation split: thresholds tuned on the images that they are judged on flatter. `fixed`
 *   looks at none.
 * @returns [C] thresholds (present when `score >= threshold`); null for a label that has one class only there, or that
 *   reaches the target nowhere
 */
export function operatingPoints(validation: Predictions, point: OperatingPoint): (number | null)[] {
  return labelColumns(validation).map((column) => thresholdAt(column, point))
}

function thresholdAt(column: LabelColumn, point: OperatingPoint): number | null {
  if (point.rule === 'fixed') return point.threshold
  if (!hasBothClasses(column)) return null
  switch (point.rule) {
    case 'youden':
      return youdenThreshold(column)
    case 'max_f1':
      return bestF1Threshold(column)
    case 'sensitivity':
      return sensitivityThreshold(column, point.target)
    case 'specificity':
      return specificityThreshold(column, point.target)
  }
}

/** The highest score with the greatest `sensitivity + specificity - 1`. Youden, Cancer 3 (1950). */
function youdenThreshold({ scores, truePositives, falsePositives, ...column }: LabelColumn): number | null {
  let [best, at] = [-Infinity, -1]
  for (let g = 0; g < scores.length; g++) {
    // Both shares over one denominator: whole numbers, compared exactly.
    const index = truePositives[g] * column.negatives - falsePositives[g] * column.positives
    if (index <= best) continue
    best = index
    at = g
  }
  return scores[at]
}

/** The highest score at which at least that share of the positives is found. */
function sensitivityThreshold(column: LabelColumn, target: number): number | null {
  const at = column.truePositives.findIndex((found) => found / column.positives >= target)
  return at < 0 ? null : column.scores[at]
}

/** The lowest score at which at least that share of the negatives is called negative. */
function specificityThreshold(column: LabelColumn, target: number): number | null {
  const { falsePositives, negatives } = column
  const beyond = falsePositives.findIndex((wrong) => (negatives - wrong) / negatives < target)
  if (beyond === 0) return null
  return column.scores[beyond < 0 ? column.scores.length - 1 : beyond - 1]
}
