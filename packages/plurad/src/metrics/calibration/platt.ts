import { hasBothClasses, type LabelColumn } from '../column.js'
import { logit, sigmoid } from './logit.js'
import type { LabelCalibration } from './schema.js'

/**
 * Platt's scaling: logistic regression of the truth on the logit, `sigmoid(slope * logit + intercept)`, without a
 * penalty. Platt, Advances in Large Margin Classifiers (1999).
 *
 * Where scores tell all positives from all negatives the likelihood has no optimum; then, and only then, Platt's own
 * softened targets (N+ + 1)/(N+ + 2) and 1/(N- + 2) keep it finite.
 *
 * @param column Of the validation split, scores being probabilities.
 * @returns null when one class is missing
 */
export function fitPlatt(column: LabelColumn): LabelCalibration | null {
  if (!hasBothClasses(column)) return null
  const { positives, negatives } = column
  const soft = separates(column)
  const data = groupsOf(column, soft ? (positives + 1) / (positives + 2) : 1, soft ? 1 / (negatives + 2) : 0)
  const prevalence = Math.log(positives / negatives)
  // One score says nothing about a slope.
  if (column.scores.length === 1) return { method: 'platt', slope: 0, intercept: prevalence }
  let [slope, intercept] = [0, prevalence]
  let loss = lossAt(data, slope, intercept)
  for (let step = 0; step < 200; step++) {
    const [down, right] = newtonStep(data, slope, intercept)
    let share = 1
    let next = lossAt(data, slope + down, intercept + right)
    while (!(next <= loss) && share > 1e-10) {
      share /= 2
      next = lossAt(data, slope + share * down, intercept + share * right)
    }
    if (!(next <= loss)) break
    slope += share * down
    intercept += share * right
    loss = next
    if (Math.abs(share * down) + Math.abs(share * right) < 1e-13 * (1 + Math.abs(slope))) break
  }
  return { method: 'platt', slope, intercept }
}

/** Images of one logit: how many, and the sum of their targets. */
interface Group {
  x: number
  images: number
  targets: number
}

function groupsOf(column: LabelColumn, positive: number, negative: number): Group[] {
  const { scores, truePositives, falsePositives } = column
  return Array.from(scores, (score, g) => {
    const present = truePositives[g] - (g > 0 ? truePositives[g - 1] : 0)
    const absent = falsePositives[g] - (g > 0 ? falsePositives[g - 1] : 0)
    return { x: logit(score), images: present + absent, targets: present * positive + absent * negative }
  })
}

function lossAt(groups: readonly Group[], slope: number, intercept: number): number {
  let loss = 0
  for (const { x, images, targets } of groups) {
    const z = slope * x + intercept
    loss += images * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))) - targets * z
  }
  return loss
}

function newtonStep(groups: readonly Group[], slope: number, intercept: number): [number, number] {
  let [gradientSlope, gradientIntercept, xx, x1, one] = [0, 0, 0, 0, 0]
  for (const { x, images, targets } of groups) {
    const p = sigmoid(slope * x + intercept)
    const error = images * p - targets
    const weight = images * p * (1 - p)
    gradientSlope += error * x
    gradientIntercept += error
    xx += weight * x * x
    x1 += weight * x
    one += weight
  }
  const determinant = xx * one - x1 * x1
  if (!(determinant > 0)) return [0, 0]
  return [
    (x1 * gradientIntercept - one * gradientSlope) / determinant,
    (x1 * gradientSlope - xx * gradientIntercept) / determinant,
  ]
}

/**
 * Whether one threshold tells the classes apart, in either direction; images on the threshold itself may be of both.
 * A logistic regression then grows without end.
 */
function separates({ truePositives, falsePositives }: LabelColumn): boolean {
  let [above, below] = [true, true]
  for (let g = 0; g < truePositives.length; g++) {
    const positivesBefore = g > 0 ? truePositives[g - 1] : 0
    const negativesBefore = g > 0 ? falsePositives[g - 1] : 0
    // Positives after a negative, or negatives after a positive, among higher scores.
    if (truePositives[g] > positivesBefore && negativesBefore > 0) above = false
    if (falsePositives[g] > negativesBefore && positivesBefore > 0) below = false
  }
  return above || below
}
