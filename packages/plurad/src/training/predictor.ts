/** Probabilities of a model for images, through the engine, in single precision. */
import { fromTypedArray, noGrad, scope, type Tensor } from '@plurad/torch'
import type { Sample } from '../data/dataset.js'
import type { ImageLoader } from '../data/loader.js'
import { filesOf, sourceOf } from '../data/source.js'
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

type Referenced = Pick<Sample, 'image' | 'path' | 'also'>

/** The samples that could not be read, with what their first damaged file says. */
export function unreadableOf(
  samples: readonly Referenced[],
  { failures }: ImageLoader,
): { image: string; reason: string }[] {
  if (failures.size === 0) return []
  return samples.flatMap((sample) => {
    const damaged = filesOf(sourceOf(sample)).find((file) => failures.has(file))
    return damaged === undefined ? [] : [{ image: sample.image, reason: failures.get(damaged) as string }]
  })
}

/** The samples that could be read and whose files a user should know something of. */
export function warningsOf(
  samples: readonly Referenced[],
  { warnings }: ImageLoader,
): { image: string; reason: string }[] {
  if (warnings.size === 0) return []
  return samples.flatMap((sample) => {
    const files = filesOf(sourceOf(sample))
    const texts = files.flatMap((file) => {
      const text = warnings.get(file)
      return text === undefined ? [] : [files.length === 1 ? text : `${file}: ${text}`]
    })
    return texts.length === 0 ? [] : [{ image: sample.image, reason: texts.join('; ') }]
  })
}

/** Runs the model over samples in their order; those that cannot be read are left out. */
export async function predictSamples(
  model: Classifier,
  loader: ImageLoader,
  samples: readonly TrainingSample[],
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
  for await (const batch of loader.batches(samples.map(sourceOf), order, batchSize, { reuse: true })) {
    if (stopped?.()) {
      complete = false
      break
    }
    if (batch.indices.length === 0) continue
    const targets = targetsOf(batch, samples, count)
    const at = images.length * count
    noGrad(() =>
      scope(() => {
        const metadata = metadataInput(model.head, samples, batch.indices, placement.device)
        const output = model.outputs(pixelsToTensor(batch, size, model.settings, placement), { metadata })
        const logits: Tensor = output.logits.float()
        // The sigmoid in double precision: single precision turns every logit above 17 into the same 1.
        scores.set(logits.double().sigmoid().toTypedArray() as Float64Array, at)
        if (loss) {
          const y = fromTypedArray(targets, [batch.indices.length, count], { device: placement.device })
          lossSum += loss(logits, y, output).item() * batch.indices.length
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
