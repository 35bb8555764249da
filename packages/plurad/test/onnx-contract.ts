/** The round trip of every backbone and head through ONNX. A new entry of the registry is checked without a new test. */
import { manualSeed, noGrad, rand, randn, scope, type Tensor } from '@plurad/torch'
import { expect, test } from 'vitest'
import { encodeClassifier } from '../src/export/onnx/classifier.js'
import { Classifier } from '../src/models/classifier.js'
import { METADATA_FEATURES } from '../src/models/metadata.js'
import type { Part } from '../src/models/part.js'
import { backbones } from '../src/models/registry.js'
import { openSession } from '../src/predict/node.js'
import type { NamedTensor } from '../src/predict/runtime.js'
import { exampleInfo, LABELS, statistics, vectors } from './model-example.js'

/** A network with random weights, and statistics of its norms that are not those that do nothing. */
function make(backbone: string, head: Part, size: number): Classifier {
  manualSeed(0)
  const settings = { backbone: { name: backbone }, head, inChannels: 1, size, labels: LABELS }
  const model = new Classifier({ ...settings, mean: [0.45], std: [0.25] }, { statistics, vectors }).eval()
  noGrad(() => {
    for (const [name, value] of model.stateDict()) {
      if (name.endsWith('running_mean')) value.normal_(0, 0.05)
      if (name.endsWith('running_var')) value.uniform_(0.8, 1.2)
    }
  })
  return model
}

/** What libtorch gives: the outputs of the file by their names. */
function expectedOf(model: Classifier, pixels: Tensor, metadata: Tensor | null): Record<string, Tensor> {
  const features = model.backbone.forward(pixels.sub(0.45).div(0.25))
  const output = model.head.forward({
    ...features,
    pixels: pixels.sub(0.45).div(0.25),
    metadata,
    known: null,
  })
  return {
    logits: output.logits,
    probabilities: output.logits.sigmoid(),
    features: features.map,
    ...(output.attention && { attention: output.attention }),
    ...(output.classFeatures && { class_features: output.classFeatures }),
  }
}

const feed = (tensor: Tensor): NamedTensor => ({
  data: tensor.toTypedArray() as Float32Array,
  dims: tensor.shape,
})

/** Largest difference, over the largest value where that is above 1. */
function difference(a: NamedTensor, b: NamedTensor): number {
  let [worst, scale] = [0, 1]
  for (const [i, value] of a.data.entries()) {
    const distance = Math.abs(value - b.data[i])
    worst = Number.isNaN(distance) ? Infinity : Math.max(worst, distance)
    scale = Math.max(scale, Math.abs(value))
  }
  return worst / scale
}

/** One round trip, on images as small as the backbone allows, in batches of 1 and 7. */
export function testRoundTrip(backbone: string, head: Part): void {
  test(`${backbone} with head ${JSON.stringify(head)} comes back from ONNX`, async () => {
    const { dims, smallest, multiple } = backbones[backbone]
    const size = Math.max(dims === 3 ? 32 : 64, Math.ceil(smallest / multiple) * multiple)
    const model = make(backbone, head, size)
    const content = scope(() => encodeClassifier(model, exampleInfo(backbone, head, size)))
    const session = await openSession(content, { threads: 1 })
    try {
      for (const batch of [1, 7]) {
        const { feeds, expected } = noGrad(() =>
          scope(() => {
            const pixels = rand([batch, 1, ...new Array<number>(dims).fill(size)])
            const metadata = model.head.wantsMetadata ? randn([batch, METADATA_FEATURES]) : null
            const outputs = Object.entries(expectedOf(model, pixels, metadata))
            return {
              feeds: { pixels: feed(pixels), ...(metadata && { metadata: feed(metadata) }) },
              expected: outputs.map(([name, tensor]) => [name, feed(tensor.contiguous())] as const),
            }
          }),
        )
        const names = expected.map(([name]) => name)
        expect([...session.outputs].sort()).toEqual([...names].sort())
        const actual = await session.run(feeds, names)
        for (const [name, value] of expected) {
          expect(actual[name].dims, name).toEqual(value.dims)
          expect(difference(value, actual[name]), `${name}, batch of ${batch}`).toBeLessThan(1e-4)
        }
      }
    } finally {
      await session.close()
      for (const [, tensor] of model.stateDict()) tensor.dispose()
    }
  })
}
