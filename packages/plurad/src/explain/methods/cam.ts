/** Class activation maps in closed form, see `exported/cam.ts`; what an exported model gives without libtorch. */
import { noGrad, type Tensor } from '@plurad/torch'
import { DataError } from '../../errors.js'
import type { Classifier } from '../../models/classifier.js'
import type { LinearClassifier } from '../../predict/onnx-classifier.js'
import { cam as exported, classActivationMaps, givesLogits } from '../exported/cam.js'
import { defineMethod, noOptions } from './method.js'

export const cam = defineMethod({
  title: exported.title,
  paper: 'Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016, arXiv:1512.04150',
  unit: exported.unit,
  options: noOptions,
  resolution: 'map',
  explain: ({ model, pixels, side, labels }) => {
    const { metadata = null, known = null } = side
    const { map, logits } = noGrad(() => {
      const features = model.backbone.forward(pixels)
      return {
        map: features.map,
        logits: model.head.forward({ ...features, pixels, metadata, known }).logits,
      }
    })
    const features = { data: plain(map), dims: map.shape }
    const classifier = classifierOf(model)
    if (classifier === null || !givesLogits(features, classifier, plain(logits)))
      throw new DataError(
        `The head ${model.settings.head.name} is no linear layer on pooled features: there is no closed form. Take ` +
          'hires-cam, which is the same for such heads and works with others.',
      )
    return {
      heatmaps: classActivationMaps(features, classifier, labels),
      stage: model.backbone.stageChannels.length,
    }
  },
})

const plain = (tensor: Tensor): Float32Array => tensor.float().toTypedArray() as Float32Array

/** The head's last layer, where that could be a linear one on pooled features. */
function classifierOf({ head, backbone, settings }: Classifier): LinearClassifier | null {
  const rows = head.classifierRows()
  const labels = settings.labels.length
  if (rows === null || rows.weight.numel !== labels * backbone.featureChannels) return null
  return {
    weight: plain(rows.weight),
    bias: rows.bias === null ? new Float32Array(labels) : plain(rows.bias),
  }
}
