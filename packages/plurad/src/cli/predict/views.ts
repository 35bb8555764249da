/** Predictions that are the mean over further views of each image, `--tta`. */
import type { VariationSpec } from '../../data/variations/variation.js'
import { UsageError } from '../../errors.js'
import { scoreExported } from '../exported-model.js'
import { infer } from '../infer.js'
import type { Outcome } from './results.js'

interface ViewsJob {
  /** One: an exported model, or one for libtorch. */
  models: readonly string[]
  /** The exported file of the model; null where libtorch is to predict. */
  exported: string | null
  images: readonly string[]
  views: VariationSpec
  threads: number | null
  device: string
  strict: boolean
}

/** The same as a prediction without, the scores being means. */
export async function predictViews(job: ViewsJob): Promise<Outcome> {
  const { models, exported, images, views, threads, device, strict } = job
  if (models.length > 1) throw new UsageError('predict: --tta is for one model')
  const samples = images.map((path) => ({ image: path, path, patient: null, labels: [] }))
  const variations = [views]
  if (exported === null) {
    const options = { batchSize: 16, threads, device, strict, variations }
    const outcome = await infer({ model: models[0], samples, labels: [], ...options }, images.length <= 16)
    const predictions = { ...outcome.predictions, scores: outcome.varied[0] }
    return { ...outcome, predictions, outOfDistribution: null }
  }
  const { info, indices, varied, unreadable, warnings } = await scoreExported({
    ...{ model: exported, samples, variations, strict, threads },
  })
  const [scores] = varied
  const predictions = { labels: info.labels, images: indices.map((index) => images[index]), scores }
  return { info, predictions, outOfDistribution: null, unreadable, warnings }
}
