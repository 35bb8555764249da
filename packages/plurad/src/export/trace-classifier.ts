/** A classifier's forward pass as a graph, from pixels in [0, 1] to logits, probabilities and what explains them. */
import { fromTypedArray, randn, rand, traceGraph, type OperatorGraph, type Tensor } from '@plurad/torch'
import type { Classifier } from '../models/classifier.js'
import { METADATA_FEATURES } from '../models/metadata.js'

/**
 * Inputs: `pixels` [batch, C, S, S] (volumes: one S more) in [0, 1], normalised inside; `metadata` [batch, 7] for heads
 * that use it, see `metadataFeatures`. Outputs: `logits` and `probabilities` [batch, labels], `features`
 * [batch, channels, H, W]; `attention` and `class_features` where the head has them.
 */
export function traceClassifier(model: Classifier): OperatorGraph {
  const { inChannels, size, mean, std } = model.settings
  const { dims } = model.backbone
  const spatial = new Array<number>(dims).fill(size)
  const perChannel = (values: readonly number[]): Tensor =>
    fromTypedArray(Float32Array.from(values), [1, inChannels, ...spatial.map(() => 1)])
  const [means, deviations] = [perChannel(mean), perChannel(std)]
  return traceGraph({
    state: model.stateDict(),
    inputs: (batch) => ({
      pixels: rand([batch, inChannels, ...spatial]),
      ...(model.head.wantsMetadata ? { metadata: randn([batch, METADATA_FEATURES]) } : {}),
    }),
    forward: (inputs) => {
      const { pixels: given, metadata = null } = inputs as { pixels: Tensor; metadata?: Tensor }
      const pixels = given.sub(means).div(deviations)
      const features = model.backbone.forward(pixels)
      const { logits, attention, classFeatures } = model.head.forward({
        ...features,
        pixels,
        metadata,
        known: null,
      })
      return {
        logits,
        probabilities: logits.sigmoid(),
        features: features.map,
        ...(attention && { attention }),
        ...(classFeatures && { class_features: classFeatures }),
      }
    },
  })
}
