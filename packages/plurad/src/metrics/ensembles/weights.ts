import type { Predictions } from '../predictions.js'

const MOST_STEPS = 1000

/**
 * The weights of a label's members under which the truth is most likely: expectation maximisation for the proportions
 * of a mixture (Dempster, Laird and Rubin 1977), which has one optimum and keeps weights at 0 or above.
 *
 * @param members Of the validation split, aligned.
 * @returns [M] adding up to 1; all equal where the truth of the label is unknown throughout
 */
export function fitWeights(members: readonly Predictions[], label: number): number[] {
  const [{ labels, images, truth }] = members
  const cells = Array.from(images.keys(), (row) => row * labels.length + label).filter(
    (at) => !Number.isNaN(truth[at]),
  )
  let weights = members.map(() => 1 / members.length)
  if (cells.length === 0) return weights
  // How likely each member holds the truth to be; never quite 0, so that one sure mistake does not rule a member out.
  const likelihoods = members.map(({ scores }) =>
    Float64Array.from(cells, (at) => Math.max(1e-12, truth[at] === 1 ? scores[at] : 1 - scores[at])),
  )
  let before = -Infinity
  for (let step = 0; step < MOST_STEPS; step++) {
    const shares = new Float64Array(members.length)
    let likelihood = 0
    for (let i = 0; i < cells.length; i++) {
      let sum = 0
      for (let m = 0; m < shares.length; m++) sum += weights[m] * likelihoods[m][i]
      likelihood += Math.log(sum)
      for (let m = 0; m < shares.length; m++) shares[m] += (weights[m] * likelihoods[m][i]) / sum
    }
    weights = Array.from(shares, (share) => share / cells.length)
    if (likelihood - before < 1e-9 * cells.length) break
    before = likelihood
  }
  return weights
}
