/** Where a head with attention looked for each label: its own maps, which sum to one over the positions. */
import { noGrad, type Tensor } from '@plurad/torch'
import { DataError } from '../../errors.js'
import { attentionMaps, attention as exported } from '../exported/attention.js'
import { defineMethod, noOptions } from './method.js'

export const attention = defineMethod({
  title: exported.title,
  paper: "the head's own",
  unit: exported.unit,
  options: noOptions,
  resolution: 'map',
  explain: ({ model, pixels, side, labels }) => {
    const { attention: maps } = noGrad(() => model.outputs(pixels, side))
    if (maps === undefined) throw noAttention(model.settings.head.name)
    return { heatmaps: attentionMaps(plain(maps), labels), stage: null }
  },
})

function plain(tensor: Tensor): { data: Float32Array; dims: readonly number[] } {
  return { data: tensor.float().toTypedArray() as Float32Array, dims: tensor.shape }
}

function noAttention(head: string): DataError {
  return new DataError(
    `The head ${head} has no attention maps. Take a method that works with every head, such as grad-cam.`,
  )
}
