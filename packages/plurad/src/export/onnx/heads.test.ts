import { testRoundTrip } from '../../../test/onnx-contract.js'
import { heads } from '../../models/registry.js'

// Every backbone is in backbones.test.ts with the plainest head; every head here on a light backbone.
for (const head of Object.keys(heads)) testRoundTrip('resnet18', { name: head })

// Options that compute something else.
testRoundTrip('resnet18', { name: 'class_attention', local: 'crop' })
testRoundTrip('resnet18', { name: 'location_attention', weights: 'sigmoid' })
testRoundTrip('resnet18', { name: 'per_label_mlp', output: 'sigmoid' })
testRoundTrip('resnet18', { name: 'bilinear', streams: 1, reduce: null })
testRoundTrip('resnet18', { name: 'ldrnet', prompt: false, map_positions: 'sine' })
testRoundTrip('resnet18', { name: 'ml_gcn', pooling: 'avg' })
testRoundTrip('mobilenet_v3_small', { name: 'published' })
testRoundTrip('vit_s_16', { name: 'published' })
testRoundTrip('inception_v3', { name: 'published' })
testRoundTrip('guita_lstm', { name: 'published' })
