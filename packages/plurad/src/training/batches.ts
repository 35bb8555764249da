/** From the loader's pixels to the tensors of a step. */
import { aten, fromTypedArray, tensor, type Tensor } from '@plurad/torch'
import type { Sample } from '../data/dataset.js'
import type { Batch } from '../data/loader.js'
import type { ModelSettings } from '../models/classifier.js'

export interface Placement {
  device: string
  channelsLast: boolean
}

/**
 * The loader's pixels as the model takes them: [N, C, H, W], minus mean, over standard deviation, on the device. The
 * one definition for training, evaluation and prediction.
 */
export function pixelsToTensor(
  batch: Pick<Batch, 'pixels' | 'indices'>,
  size: number,
  { inChannels, mean, std }: ModelSettings,
  { device, channelsLast }: Placement,
): Tensor {
  const pixels = fromTypedArray(batch.pixels, [batch.indices.length, inChannels, size, size], { device })
  const perChannel = (values: readonly number[]): Tensor =>
    tensor(values, { device }).view(1, inChannels, 1, 1)
  const normalised = pixels.sub_(perChannel(mean)).div_(perChannel(std))
  return channelsLast ? aten.contiguous.default(normalised, { memory_format: 'channels_last' }) : normalised
}

/** Targets [N, C]: 1, 0, NaN where unknown. */
export function targetsOf(
  batch: Pick<Batch, 'indices'>,
  samples: readonly Sample[],
  labels: number,
): Float32Array {
  const targets = new Float32Array(batch.indices.length * labels)
  batch.indices.forEach((index, row) => {
    samples[index].labels.forEach((value, label) => (targets[row * labels + label] = value ?? NaN))
  })
  return targets
}
