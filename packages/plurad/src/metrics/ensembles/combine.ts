import { DataError } from '../../errors.js'
import type { Predictions } from '../predictions.js'
import { argsortDescending } from '../sort.js'
import { fitWeights } from './weights.js'

export type EnsembleMethod = 'mean' | 'weighted' | 'rank' | 'max' | 'vote'
export const ENSEMBLE_METHODS: readonly EnsembleMethod[] = ['mean', 'weighted', 'rank', 'max', 'vote']

/** [M] a label: how much each member counts; at least 0, adding up to 1. */
export type EnsembleWeights = number[][]

/** What an ensemble takes from the validation split. */
export interface FittedEnsemble {
  /** For `weighted`, from {@link ensembleWeights}. */
  weights?: EnsembleWeights | null
  /** For `vote`: [M] of [C]; a member without a threshold for a label has no vote on it. */
  thresholds?: readonly (readonly (number | null)[])[] | null
}

/**
 * One set of predictions out of several.
 *
 * `mean`: of the probabilities. `weighted`: the same with weights for each label. `rank`: the mean of the ranks within
 * each member, divided by the number of images; it does not mind members on different scales, and is no probability.
 * `max`: the highest probability, so that one member's finding is a finding; it raises all probabilities. `vote`: the share
 * of members that call the finding at their own threshold; it is no probability, and ranks by as many steps as there are
 * members only.
 *
 * @param members With the same images and labels in the same order ({@link alignPredictions}), at least one.
 * @throws DataError where what was to be fitted is missing
 */
export function combinePredictions(
  members: readonly Predictions[],
  method: EnsembleMethod,
  { weights = null, thresholds = null }: FittedEnsemble = {},
): Predictions {
  const [first] = members
  const count = first.labels.length
  if (method === 'weighted' && weights?.length !== count) {
    throw new DataError(`A weighted ensemble of ${count} labels needs weights for each of them.`)
  }
  if (method === 'vote') {
    if (thresholds?.length !== members.length)
      throw new DataError(`A vote of ${members.length} members needs the thresholds of each of them.`)
    return { ...first, scores: voteShares(members, thresholds) }
  }
  const scores = new Float64Array(first.scores.length)
  for (const [m, member] of members.entries()) {
    const values = method === 'rank' ? rankScores(member) : member.scores
    for (let at = 0; at < scores.length; at++) {
      if (method === 'max') scores[at] = m === 0 ? values[at] : Math.max(scores[at], values[at])
      else scores[at] += values[at] * (weights?.[at % count][m] ?? 1 / members.length)
    }
  }
  // Weights add up to 1 but for rounding, which must not carry a probability past 1.
  return { ...first, scores: scores.map((score) => Math.min(1, score)) }
}

/** Weights for each label, fitted on the validation split, never on the images that the ensemble is judged on. */
export function ensembleWeights(validation: readonly Predictions[]): EnsembleWeights {
  return validation[0].labels.map((_, c) => fitWeights(validation, c))
}

/** For each image and label, the share of members with a threshold whose score reaches it; 0 where none has one. */
function voteShares(
  members: readonly Predictions[],
  thresholds: readonly (readonly (number | null)[])[],
): Float64Array {
  const count = members[0].labels.length
  const voters = Array.from({ length: count }, (_, c) => thresholds.filter((own) => own[c] !== null).length)
  return members[0].scores.map((_, at) => {
    const c = at % count
    const votes = members.filter(({ scores }, m) => {
      const threshold = thresholds[m][c]
      return threshold !== null && scores[at] >= threshold
    })
    return voters[c] === 0 ? 0 : votes.length / voters[c]
  })
}

/** Each score's rank within its label, in (0, 1], equal scores sharing the mean of their ranks. */
function rankScores({ labels, images, scores }: Predictions): Float64Array {
  const ranks = new Float64Array(scores.length)
  const column = new Float64Array(images.length)
  for (const c of labels.keys()) {
    for (let row = 0; row < images.length; row++) column[row] = scores[row * labels.length + c]
    const order = argsortDescending(column)
    for (let start = 0, end = 0; start < order.length; start = end) {
      while (end < order.length && column[order[end]] === column[order[start]]) end++
      const rank = order.length - (start + end - 1) / 2
      for (let place = start; place < end; place++) {
        ranks[order[place] * labels.length + c] = rank / order.length
      }
    }
  }
  return ranks
}
