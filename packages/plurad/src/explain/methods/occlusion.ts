/**
 * Occlusion (Zeiler and Fergus, ECCV 2014, arXiv:1311.2901): a patch is covered, place after place; a pixel's value is the
 * mean, over the patches that cover it, of how much the logit falls: y(x) - y(x with the patch covered).
 */
import { fromTypedArray, noGrad, scope } from '@plurad/torch'
import { z } from 'zod'
import { defineMethod } from './method.js'
import { repeated } from './side.js'

export const occlusion = defineMethod({
  title: 'Occlusion',
  paper:
    'Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901',
  unit: 'fall of the logit',
  options: z.strictObject({
    /** Side of the patch, pixels; null for an eighth of the image's. */
    patch: z.int().min(1).nullable().default(null),
    /** From one place to the next, pixels; null for half a patch. */
    stride: z.int().min(1).nullable().default(null),
    /** What covers it: the mean of the image in each channel, or black. */
    fill: z.enum(['mean', 'black']).default('mean'),
    /** Images that go through the network at once. */
    batch: z.int().min(1).max(256).default(16),
  }),
  resolution: 'pixels',
  explain: ({ model, pixels, side, labels }, { patch: given, stride: step, fill, batch }) => {
    const [, channels, ...shape] = pixels.shape
    const patch = Math.min(given ?? Math.max(1, Math.round(shape[0] / 8)), ...shape)
    const stride = step ?? Math.max(1, Math.floor(patch / 2))
    const image = pixels.double().toTypedArray() as Float64Array
    const area = shape.reduce((product, length) => product * length, 1)
    const { mean, std } = model.settings
    const cover = Array.from({ length: channels }, (_, channel) =>
      fill === 'black'
        ? -mean[channel] / std[channel]
        : image.subarray(channel * area, (channel + 1) * area).reduce((sum, value) => sum + value, 0) / area,
    )
    const logitsOf = (images: Float64Array, count: number): Float64Array =>
      noGrad(() =>
        scope(() => {
          const given = fromTypedArray(images, [count, channels, ...shape], { device: pixels.device })
          const logits = model.forward(given.to({ dtype: pixels.dtype }), repeated(side, count))
          return logits.double().toTypedArray() as Float64Array
        }),
      )
    const all = model.settings.labels.length
    const whole = logitsOf(image, 1)
    const places = patches(shape, patch, stride)
    const falls = labels.map(() => new Float64Array(area))
    const covered = new Float64Array(area)
    for (let start = 0; start < places.length; start += batch) {
      const some = places.slice(start, start + batch)
      const images = new Float64Array(some.length * image.length)
      some.forEach((positions, i) => {
        images.set(image, i * image.length)
        for (let channel = 0; channel < channels; channel++)
          for (const at of positions) images[i * image.length + channel * area + at] = cover[channel]
      })
      const logits = logitsOf(images, some.length)
      some.forEach((positions, i) => {
        for (const at of positions) covered[at]++
        labels.forEach((label, k) => {
          const fall = whole[label] - logits[i * all + label]
          for (const at of positions) falls[k][at] += fall
        })
      })
    }
    const heatmaps = falls.map((sums) => ({
      shape,
      values: Float32Array.from(sums, (sum, at) => sum / covered[at]),
    }))
    return { heatmaps, stage: null }
  },
})

/** The positions under each patch; the last along a side ends at the edge, so that every pixel is covered. */
function patches(shape: readonly number[], patch: number, stride: number): Uint32Array[] {
  const starts = (length: number): number[] => {
    const found: number[] = []
    for (let at = 0; at < length - patch; at += stride) found.push(at)
    return [...found, length - patch]
  }
  let corners: number[][] = [[]]
  for (const length of shape)
    corners = corners.flatMap((corner) => starts(length).map((at) => [...corner, at]))
  return corners.map((corner) => {
    let positions = [0]
    corner.forEach((from, axis) => {
      positions = positions.flatMap((at) =>
        Array.from({ length: patch }, (_, i) => at * shape[axis] + from + i),
      )
    })
    return Uint32Array.from(positions)
  })
}
