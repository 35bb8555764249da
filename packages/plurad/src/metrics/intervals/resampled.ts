import { rankLabels, recount, type LabelColumn, type RankedLabel } from '../column.js'
import type { LabelGroup } from '../groups.js'
import { imageMeans, imageSums, type ImageSums } from '../images/means.js'
import { checkThresholds, measure, type MeasuredMetrics } from '../multilabel.js'
import { pooledRanking, type PooledRanking } from '../pooled.js'
import type { Predictions } from '../predictions.js'
import type { Clusters } from './clusters.js'

/**
 * An evaluation that can be made again and again with other weights of the clusters (patients) and never sorts twice:
 * a bootstrap sample is nothing but how often each patient was drawn.
 */
export class ResampledEvaluation {
  /** [L] */
  readonly ranked: readonly RankedLabel[]
  readonly #images: number
  readonly #columns: LabelColumn[]
  /** [M] a label: the cluster of the image at each place of its ranking. */
  readonly #clusters: Uint32Array[]
  readonly #ranking: PooledRanking
  readonly #sums: ImageSums
  readonly #groups: readonly LabelGroup[] | null

  /** @throws DataError as `evaluateMultilabel` does */
  constructor(
    predictions: Predictions,
    clusters: Clusters,
    thresholds?: readonly (number | null)[],
    groups?: readonly LabelGroup[],
  ) {
    const chosen = checkThresholds(predictions, thresholds)
    this.#images = predictions.images.length
    this.ranked = rankLabels(predictions)
    this.#columns = this.ranked.map(({ column }, c) => ({
      ...column,
      threshold: chosen[c],
      truePositives: column.truePositives.slice(),
      falsePositives: column.falsePositives.slice(),
    }))
    this.#clusters = this.ranked.map(({ rows }) => rows.map((row) => clusters.of[row]))
    this.#ranking = pooledRanking(this.#columns)
    this.#sums = imageSums(predictions, chosen, clusters.of, clusters.count)
    this.#groups = groups ?? null
  }

  /** The metrics when each image counts as often as its cluster's weight [K] says. */
  at(weights: Float64Array): MeasuredMetrics {
    for (const [c, ranked] of this.ranked.entries()) {
      recount(ranked, this.#clusters[c], weights, this.#columns[c])
    }
    return measure({
      images: this.#images,
      columns: this.#columns,
      means: imageMeans(this.#sums, weights),
      ranking: this.#ranking,
      groups: this.#groups,
    })
  }
}
