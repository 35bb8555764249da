import { testRoundTrip } from '../../../test/onnx-contract.js'
import { backbones } from '../../models/registry.js'

for (const backbone of Object.keys(backbones)) testRoundTrip(backbone, { name: 'linear' })
