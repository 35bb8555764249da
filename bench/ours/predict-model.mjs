/** The network of the prediction benchmark as an exported model. */
import { join } from 'node:path'
import { saveSafetensors } from '@plurad/torch'
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
print(0)
