/** Probabilities of a model for images, through the engine, in single precision. */
import { fromTypedArray, noGrad, scope, type Tensor } from '@plurad/torch'
import type { ImageLoader } from '../data/loader.js'
import { sourceOf } from '../data/source.js'
import { countsPlain, meanScores, versionsOf, type VariationSpec } from '../data/variations/variation.js'
import type { Loss } from '../losses/define.js'
import type { Classifier } from '../models/classifier.js'
import type { Predictions } from '../metrics/predictions.js'
import { pixelsToTensor, targetsOf, type Placement } from './batches.js'
import type { TrainingSample } from './job.js'
import { metadataInput } from './side-input.js'

export interface PredictOptions {
  size: number
  batchSize: number
  placement: Placement
  /** Also gives the mean loss over the images. */
  loss?: Loss
  /** What else the images are looked at as, each batch right after the plain one. */
  variations?: readonly VariationSpec[]
  onBatch?: (done: number, total: number) => void
  /** Asked between batches; true ends the work early. */
  stopped?: () => boolean
}

export interface PredictedSplit {
  predictions: Predictions
  /** [V] of [N, C]: the scores of each variation. */
  varied: Float64Array[]
  /** Mean loss, where one was given and there were images. */
  loss: number | null
  /** False where `stopped` ended the work. */
  complete: boolean
}

export { unreadableOf, warningsOf } from '../data/sample-notes.js'

/** Runs the model over samples in their order; those that cannot be read are left out. */
export async function predictSamples(
  model: Classifier,
  loader: ImageLoader,
  samples: readonly TrainingSample[],
  { size, batchSize, placement, loss, variations = [], onBatch, stopped }: PredictOptions,
): Promise<PredictedSplit> {
  const { labels } = model.settings
  const count = labels.length
  const scores = new Float64Array(samples.length * count)
  const varied = variations.map(() => new Float64Array(samples.length * count))
  const truth = new Float64Array(samples.length * count)
  const images: string[] = []
  const patients: (string | null)[] = []
  let lossSum = 0
  let complete = true
  model.eval()
  const order = samples.map((_, i) => i)
  for await (const batch of loader.batches(samples.map(sourceOf), order, batchSize, { reuse: true })) {
    if (stopped?.()) {
      complete = false
      break
    }
    if (batch.indices.length === 0) continue
    const targets = targetsOf(batch, samples, count)
    const at = images.length * count
    const scoresOf = (pixels: Float32Array<ArrayBuffer>, counted: Loss | undefined): Float64Array =>
      noGrad(() =>
        scope(() => {
          const metadata = metadataInput(model.head, samples, batch.indices, placement.device)
          const input = pixelsToTensor({ ...batch, pixels }, size, model.settings, placement)
          const output = model.outputs(input, { metadata })
          const logits: Tensor = output.logits.float()
          if (counted) {
            const y = fromTypedArray(targets, [batch.indices.length, count], { device: placement.device })
            lossSum += counted(logits, y, output).item() * batch.indices.length
          }
          // The sigmoid in double precision: single precision turns every logit above 17 into the same 1.
          return logits.double().sigmoid().toTypedArray() as Float64Array
        }),
      )
    const plain = scoresOf(batch.pixels, loss)
    scores.set(plain, at)
    for (const [v, spec] of variations.entries()) {
      const { inChannels } = model.settings
      const side = Math.sqrt(batch.pixels.length / (batch.indices.length * inChannels))
      const channels = loader.channels
      const seen = countsPlain(spec) ? [plain] : []
      for await (const pixels of versionsOf(spec, { ...batch, size: side, channels }))
        seen.push(scoresOf(pixels, undefined))
      varied[v].set(meanScores(seen), at)
    }
    truth.set(targets, at)
    for (const index of batch.indices) {
      images.push(samples[index].image)
      patients.push(samples[index].patient)
    }
    onBatch?.(images.length, samples.length)
  }
  const n = images.length
  return {
    predictions: {
      labels,
      images,
      patients,
      scores: scores.slice(0, n * count),
      truth: truth.slice(0, n * count),
    },
    varied: varied.map((all) => all.slice(0, n * count)),
    loss: loss && n > 0 ? lossSum / n : null,
    complete,
  }
}
