/** Predictions that are the mean over further views of each image, `--tta`. */
import type { VariationSpec } from '../../data/variations/variation.js'
import { UsageError } from '../../errors.js'
import { scoreExported } from '../exported-model.js'
import { infer } from '../infer.js'
import { printWarnings } from '../notes.js'
import { bar, Progress } from '../progress.js'
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

/** The same as a prediction without, the scores being means; distances and warnings are of the images as they are. */
export async function predictViews(job: ViewsJob): Promise<Outcome> {
  const { models, exported, images, views, threads, device, strict } = job
  if (models.length > 1) throw new UsageError('predict: --tta is for one model')
  const samples = images.map((path) => ({ image: path, path, patient: null, labels: [] }))
  const variations = [views]
  const names = views.kind === 'views' ? views.names : [views.name]
  if (exported === null) {
    const options = { batchSize: 16, threads, device, strict, variations }
    const outcome = await infer({ model: models[0], samples, labels: [], ...options }, images.length <= 16)
    const predictions = { ...outcome.predictions, scores: outcome.varied[0] }
    return { ...outcome, predictions, outOfDistribution: null, views: names }
  }
  const { info, indices, varied, unreadable, warnings } = await scoreExported({
    ...{ model: exported, samples, variations, strict, threads },
  })
  const [scores] = varied
  const predictions = { labels: info.labels, images: indices.map((index) => images[index]), scores }
  const alone = await asTheyAre(exported, predictions.images, threads)
  // Those of the files themselves have been printed by now.
  const printed = new Set(warnings.map(({ image, reason }) => `${image}: ${reason}`))
  printWarnings(alone.warnings.filter(({ image, reason }) => !printed.has(`${image}: ${reason}`)))
  return { info, predictions, unreadable, views: names, ...alone }
}

/** What a prediction without views knows of images besides their scores. */
async function asTheyAre(
  exported: string,
  images: readonly string[],
  threads: number | null,
): Promise<Pick<Outcome, 'outOfDistribution' | 'warnings'>> {
  const { FilePredictor } = await import('../../predict/node.js')
  const progress = new Progress({ quiet: images.length <= 16 })
  const predictor = await FilePredictor.load(exported, { threads })
  try {
    const { outOfDistribution, warnings } = await predictor.predict(images, {
      strict: true,
      onProgress: (done, total) => {
        progress.update(`Predicting the images as they are ${bar(done / total)} ${done}/${total}`)
      },
    })
    return { outOfDistribution, warnings }
  } finally {
    progress.clear()
    await predictor.close()
  }
}
