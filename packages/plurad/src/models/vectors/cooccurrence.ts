/**
 * Label vectors from the training labels alone: positive pointwise mutual information, factorised (Levy and Goldberg, Neural
 * Word Embedding as Implicit Matrix Factorization, NIPS 2014). Labels that occur together point the same way.
 */
import type { LabelStatistics, LabelVectors } from '../head.js'
import { symmetricEigen } from './jacobi.js'

const MOST = 300

/**
 * PPMI_ij = max(0, log(p_ij / (p_i p_j))) over the images, counts raised by a half so that a label without examples has a
 * vector too; vectors are U_d sqrt(|S_d|), brought to length 1. There are no words: a prompt consists of the labels.
 *
 * @param dim at most the number of labels; null for as many as there are, up to 300
 */
export function cooccurrenceVectors(
  { images, positives, together }: LabelStatistics,
  dim: number | null,
): LabelVectors {
  const size = Math.min(dim ?? MOST, positives.length)
  const share = (count: number): number => (count + 0.5) / (images + 1)
  const information = positives.map((own, i) =>
    positives.map((other, j) => {
      if (i === j) return -Math.log(share(own))
      const both = together[i][j]
      return both === 0 ? 0 : Math.max(0, Math.log(share(both) / (share(own) * share(other))))
    }),
  )
  const { values, vectors } = symmetricEigen(information)
  const labels = positives.map((_, i) =>
    unit(Array.from({ length: size }, (_, d) => vectors[d][i] * Math.sqrt(Math.abs(values[d])))),
  )
  return { source: 'cooccurrence', labels, prompt: labels }
}

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return length === 0 ? [...vector] : vector.map((value) => value / length)
}
