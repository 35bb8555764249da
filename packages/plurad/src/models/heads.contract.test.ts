// Every backbone is in backbones.*.test.ts with the plainest head; every head here on a light backbone.
import { testContract } from '../../test/model-contract.js'
import type { Part } from './part.js'
import { heads } from './registry.js'

/** Options with which a head computes something else than it does by default. */
const variants: readonly Part[] = [
  { name: 'linear', dropout: 0.5 },
  { name: 'per_label_mlp', output: 'sigmoid' },
  { name: 'per_label_mlp', layers: 1 },
  { name: 'location_attention', weights: 'sigmoid' },
  { name: 'class_attention', local: 'crop' },
  { name: 'bilinear', streams: 1 },
  { name: 'bilinear', streams: 1, reduce: null },
  { name: 'ml_gcn', pooling: 'avg' },
  { name: 'query2label', encoder_layers: 0, decoder_layers: 1 },
  { name: 'ml_decoder', groups: 2 },
  { name: 'c_tran', dim: 64 },
  { name: 'ldrnet', prompt: false },
  { name: 'ldrnet', dim: 64, map_positions: 'sine' },
  { name: 'cosine', bias: false },
]

for (const name of Object.keys(heads)) testContract('resnet18', { name })
for (const head of variants) testContract('resnet18', head)
