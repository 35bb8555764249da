import { accuracy } from './accuracy.js'
import { auc } from './auc.js'
import type { LabelColumn } from './column.js'
import { confusionAt } from './confusion.js'
import { kappa } from './kappa.js'

/** The ODIR-2019 challenge's final score and its parts, all at 0.5 on the flattened image x label array. */
export interface OdirScore {
  /** `(kappa + F1 + AUC) / 3`. */
  score: number | null
  kappa: number | null
  /** What the challenge calls F1. Micro F1 over both classes of flattened yes/no calls is nothing but their accuracy. */
  f1_flattened_equals_accuracy: number | null
  auc: number | null
}

/**
 * The final score of ODIR-2019. It rewards calling nothing: with 8 labels of which about one is present, the accuracy
 * in it starts at 0.87. Read it beside the macro F1.
 *
 * @param pooled All labels in one column, scores being probabilities.
 */
export function odirScore(pooled: LabelColumn): OdirScore {
  const outcomes = confusionAt(pooled, 0.5)
  const parts = { kappa: kappa(outcomes), f1: accuracy(outcomes), auc: auc(pooled) }
  const whole =
    parts.kappa === null || parts.f1 === null || parts.auc === null
      ? null
      : (parts.kappa + parts.f1 + parts.auc) / 3
  return { score: whole, kappa: parts.kappa, f1_flattened_equals_accuracy: parts.f1, auc: parts.auc }
}
