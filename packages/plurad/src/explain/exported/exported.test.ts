/** What an exported model explains without libtorch is what libtorch says. */
import { fromTypedArray, manualSeed, noGrad, scope } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { exampleInfo, LABELS, statistics, vectors } from '../../../test/model-example.js'
import type { DecodedImage } from '../../data/image.js'
import { preprocess } from '../../data/preprocess.js'
import { preprocessingOf } from '../../data/preprocessing.js'
import { encodeClassifier } from '../../export/onnx/classifier.js'
import { Classifier } from '../../models/classifier.js'
import type { Part } from '../../models/part.js'
import { OnnxModel } from '../../predict/onnx-model.js'
import { openSession } from '../../predict/node.js'
import { explain } from '../explain.js'
import { explainExported, methodsOf } from './explain.js'

const SIZE = 64

/** 90 x 70, so that the middle is cut out. */
const image: DecodedImage = {
  width: 90,
  height: 70,
  channels: 1,
  maxValue: 255,
  data: Uint8Array.from({ length: 6300 }, (_, at) => (at * 7 + Math.floor(at / 90) * 3) % 256),
}

async function exported(backbone: string, head: Part): Promise<{ model: Classifier; onnx: OnnxModel }> {
  manualSeed(4)
  const settings = { backbone: { name: backbone }, head, inChannels: 1, size: SIZE, labels: LABELS }
  const model = new Classifier({ ...settings, mean: [0.45], std: [0.25] }, { statistics, vectors }).eval()
  const content = scope(() => encodeClassifier(model, exampleInfo(backbone, head, SIZE)))
  const onnx = await OnnxModel.open(content, 'model.onnx', openSession, { threads: 1 })
  return { model, onnx }
}

const all = { name: 'a.png', labels: { kind: 'names' as const, names: LABELS } }

describe.each([
  ['resnet18', { name: 'linear' }, ['cam'], 'cam', 'hires-cam'],
  ['densenet121', { name: 'published' }, ['cam'], 'cam', 'hires-cam'],
  ['guita_cnn', { name: 'query2label' }, ['cam', 'attention'], 'attention', 'attention'],
  ['guita_cnn', { name: 'ldrnet' }, ['cam', 'attention'], 'attention', 'attention'],
  ['guita_cnn', { name: 'location_attention' }, ['cam', 'attention'], 'attention', 'attention'],
])('%s with head %j', (backbone, head, possible, taken, reference) => {
  test(`gives ${taken}, as libtorch's ${reference}`, async () => {
    const { model, onnx } = await exported(backbone, head)
    try {
      expect(methodsOf(onnx)).toEqual(possible)
      const { heatmaps, method, probabilities, labels } = await explainExported(onnx, image, all)
      expect(method).toBe(taken)
      expect(labels).toEqual([0, 1, 2])
      scope(() => {
        const values = preprocess(image, preprocessingOf(onnx.info))
        const pixels = fromTypedArray(values, [1, 1, SIZE, SIZE]).sub(0.45).div(0.25)
        const expected = noGrad(() => model.forward(pixels).sigmoid().toFlatArray())
        probabilities.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4))
        const answer = explain(model, pixels, labels, { method: reference })
        answer.heatmaps.forEach(({ shape, values: wanted }, i) => {
          expect(heatmaps[i].shape).toEqual(shape)
          const scale = Math.max(...wanted.map(Math.abs))
          heatmaps[i].values.forEach((value, at) =>
            expect(Math.abs(value - wanted[at]) / scale).toBeLessThan(1e-4),
          )
        })
      })
    } finally {
      await onnx.close()
    }
  })
})

test('heads without a closed form say so', async () => {
  for (const head of ['mlp', 'cosine', 'ml_gcn']) {
    const { onnx } = await exported('guita_cnn', { name: head })
    await expect(explainExported(onnx, image, all)).rejects.toThrow(
      `This exported model (head ${head}) allows no method that works without libtorch`,
    )
    await onnx.close()
  }
})
