/** From the loader's pixels to the tensors of a step. */
import { aten, fromTypedArray, tensor, type Tensor } from '@plurad/torch'
import type { Augmenter } from '../data/augment/augment.js'
import type { Batch } from '../data/loader.js'
import { centreCrop } from '../data/preprocess.js'
import type { Random } from '../data/random.js'
import type { ModelSettings } from '../models/classifier.js'

export interface Placement {
  device: string
  channelsLast: boolean
}

/**
 * What training sees of images: each one changed by random numbers of its own.
 *
 * @param loaded [N, planes, side, side], left as it is
 * @param indices [N], what `randomOf` is asked for
 * @returns [N, planes, size, size]
 */
export function augmented(
  loaded: Float32Array<ArrayBuffer>,
  indices: Int32Array,
  augmenter: Augmenter,
  randomOf: (index: number) => Random,
): Float32Array<ArrayBuffer> {
  if (!augmenter.active) return loaded
  const length = loaded.length / indices.length
  const images = Array.from(indices, (index, row) =>
    augmenter.apply(loaded.subarray(row * length, (row + 1) * length), randomOf(index)),
  )
  const pixels = new Float32Array(images.reduce((total, image) => total + image.length, 0))
  images.forEach((image, row) => pixels.set(image, row * image.length))
  return pixels
}

/**
 * The loader's pixels as the model takes them: [N, C, H, W], minus mean, over standard deviation, on the device. The
 * one definition for training, evaluation and prediction. Of images that were loaded larger, to be cut at random in
 * training, it takes the centre.
 */
export function pixelsToTensor(
  batch: Pick<Batch, 'pixels' | 'indices'>,
  size: number,
  { inChannels, mean, std }: ModelSettings,
  { device, channelsLast }: Placement,
): Tensor {
  const planes = batch.indices.length * inChannels
  const values = centreCrop(batch.pixels, Math.sqrt(batch.pixels.length / planes), size)
  const pixels = fromTypedArray(values, [batch.indices.length, inChannels, size, size], { device })
  const perChannel = (values: readonly number[]): Tensor =>
    tensor(values, { device }).view(1, inChannels, 1, 1)
  const normalised = pixels.sub_(perChannel(mean)).div_(perChannel(std))
  return channelsLast ? aten.contiguous.default(normalised, { memory_format: 'channels_last' }) : normalised
}

/** y becomes y (1 - eps) + eps / 2, in place (Szegedy et al., CVPR 2016, of two classes); unknown stays unknown. */
export function smooth(targets: Float32Array, eps: number): void {
  if (eps === 0) return
  for (let at = 0; at < targets.length; at++) targets[at] = targets[at] * (1 - eps) + eps / 2
}

/** Targets [N, C]: in [0, 1], NaN where unknown. */
export function targetsOf(
  batch: Pick<Batch, 'indices'>,
  samples: readonly { labels: readonly (number | null)[] }[],
  labels: number,
): Float32Array<ArrayBuffer> {
  const targets = new Float32Array(batch.indices.length * labels)
  batch.indices.forEach((index, row) => {
    samples[index].labels.forEach((value, label) => (targets[row * labels + label] = value ?? NaN))
  })
  return targets
}
