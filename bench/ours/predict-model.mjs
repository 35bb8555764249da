/** The network of the prediction benchmark as an exported model, in single precision and in 8 bits. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { saveSafetensors, scope } from '@plurad/torch'
import { convertClassifier } from '../../packages/plurad/dist/export/onnx/classifier.js'
import { encodeModel } from '../../packages/plurad/dist/export/onnx/model.js'
import { Graph } from '../../packages/plurad/dist/export/quantise/graph.js'
import { quantise } from '../../packages/plurad/dist/export/quantise/int8.js'
import { planOf } from '../../packages/plurad/dist/export/quantise/plan.js'
import { observe, rangesOf } from '../../packages/plurad/dist/export/quantise/ranges.js'
import { exportModel } from '../../packages/plurad/dist/export/export.js'
import { preprocessingWith } from '../../packages/plurad/dist/data/preprocessing.js'
import { args, densenet, labels, print } from './common.mjs'

const model = (await densenet()).eval()
const { backbone, head, mean, std } = model.settings
const info = {
  plurad: 'bench',
  labels,
  backbone,
  head,
  ...preprocessingWith(),
  value_range: [0, 1],
  mean,
  std,
  vectors: null,
  thresholds: labels.map(() => 0.5),
  calibration: null,
  data_fingerprint: 'none',
  best_epoch: null,
  licence: null,
  recipe: { name: 'bench' },
}
const weights = join(args.folder, 'model.safetensors')
saveSafetensors(weights, model.stateDict(), { plurad: JSON.stringify(info) })
await exportModel({ model: weights, out: join(args.folder, 'model.onnx'), format: 'onnx' })

// Speed does not depend on the ranges: a few random images serve as well as real ones.
const graph = scope(() => convertClassifier(model, info))
const plan = planOf(new Graph(graph))
const { size } = info
const images = Array.from({ length: 4 }, () => ({
  pixels: { data: Float32Array.from({ length: size * size }, Math.random), dims: [1, 1, size, size] },
}))
const seen = await observe(graph, [...new Set(plan.values.values())], images, null)
writeFileSync(join(args.folder, 'int8.onnx'), encodeModel(quantise(graph, plan, rangesOf(seen, 'extremes'))))
print(0)
