/** Probabilities of a model for images, through the engine, in single precision. */
import { fromTypedArray, noGrad, scope, type Tensor } from '@plurad/torch'
import type { Sample } from '../data/dataset.js'
import type { ImageLoader } from '../data/loader.js'
import type { Loss } from '../losses/registry.js'
import type { Classifier } from '../models/classifier.js'
import type { Predictions } from '../metrics/predictions.js'
import { pixelsToTensor, targetsOf, type Placement } from './batches.js'

export interface PredictOptions {
  size: number
  batchSize: number
  placement: Placement
  /** Also gives the mean loss over the images. */
  loss?: Loss
  onBatch?: (done: number, total: number) => void
  /** Asked between batches; true ends the work early. */
  stopped?: () => boolean
}

export interface PredictedSplit {
  predictions: Predictions
  /** Mean loss, where one was given and there were images. */
  loss: number | null
  /** False where `stopped` ended the work. */
  complete: boolean
}

/** The samples whose image could not be read, with the reason. */
export function unreadableOf(
  samples: readonly Pick<Sample, 'image' | 'path'>[],
  loader: ImageLoader,
): { image: string; reason: string }[] {
  return samples.flatMap(({ image, path }) => {
    const reason = loader.failures.get(path)
    return reason === undefined ? [] : [{ image, reason }]
  })
}

/** Runs the model over samples in their order; those that cannot be read are left out. */
export async function predictSamples(
  model: Classifier,
  loader: ImageLoader,
  samples: readonly Sample[],
  { size, batchSize, placement, loss, onBatch, stopped }: PredictOptions,
): Promise<PredictedSplit> {
  const { labels } = model.settings
  const count = labels.length
  const scores = new Float64Array(samples.length * count)
  const truth = new Float64Array(samples.length * count)
  const images: string[] = []
  const patients: (string | null)[] = []
  let lossSum = 0
  let complete = true
  model.eval()
  const order = samples.map((_, i) => i)
  for await (const batch of loader.batches(
    samples.map((sample) => sample.path),
    order,
    batchSize,
  )) {
    if (stopped?.()) {
      complete = false
      break
    }
    if (batch.indices.length === 0) continue
    const targets = targetsOf(batch, samples, count)
    const at = images.length * count
    noGrad(() =>
      scope(() => {
        const logits: Tensor = model.forward(pixelsToTensor(batch, size, model.settings, placement)).float()
        // The sigmoid in double precision: single precision turns every logit above 17 into the same 1.
        scores.set(logits.double().sigmoid().toTypedArray() as Float64Array, at)
        if (loss) {
          const y = fromTypedArray(targets, [batch.indices.length, count], { device: placement.device })
          lossSum += loss(logits, y).item() * batch.indices.length
        }
      }),
    )
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
    loss: loss && n > 0 ? lossSum / n : null,
    complete,
  }
}
