import { hasBothClasses, type LabelColumn } from '../column.js'
import { logit, sigmoid } from './logit.js'
import type { LabelCalibration } from './schema.js'

/** Temperatures beyond these make every probability 0.5, or 0 and 1. */
const [COLDEST, HOTTEST] = [1e-3, 1e3]

/**
 * Temperature scaling: the T that makes the label's truth most likely under `sigmoid(logit / T)`. Guo et al., ICML
 * (2017), here for each label by itself. The likelihood has one optimum, found by halving.
 *
 * It cannot move the mean of a rare label's probabilities far: with a shifted prevalence take Platt's scaling.
 *
 * @param column Of the validation split, scores being probabilities.
 * @returns null when one class is missing
 */
export function fitTemperature(column: LabelColumn): LabelCalibration | null {
  if (!hasBothClasses(column)) return null
  const { scores, truePositives, falsePositives } = column
  const logits = scores.map(logit)
  /** Slope of the loss against 1 / T, which rises with it. */
  const slope = (inverse: number): number => {
    let sum = 0
    let [positives, all] = [0, 0]
    for (let g = 0; g < logits.length; g++) {
      const here = truePositives[g] + falsePositives[g] - all
      sum += logits[g] * (here * sigmoid(inverse * logits[g]) - (truePositives[g] - positives))
      positives = truePositives[g]
      all += here
    }
    return sum
  }
  let [low, high] = [Math.log(1 / HOTTEST), Math.log(1 / COLDEST)]
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (slope(Math.exp(middle)) < 0) low = middle
    else high = middle
  }
  return { method: 'temperature', temperature: Math.exp(-(low + high) / 2) }
}
