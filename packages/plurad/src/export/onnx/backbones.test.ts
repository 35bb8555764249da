import { testRoundTrip } from '../../../test/onnx-contract.js'
import { backbones } from '../../models/registry.js'

/**
 * Wider or deeper siblings of others here, of 70 to 780 MB: the same operators, a minute and a half of weights to move.
 * PLURAD_ALL_EXPORTS=1 runs them too.
 */
const SIBLINGS =
  'vgg19 vgg19_bn resnet101 convnext_small convnext_base vit_b_16 swin_s swin_b swin_l resnet3d50'.split(' ')

const all = process.env['PLURAD_ALL_EXPORTS'] === '1'
for (const backbone of Object.keys(backbones))
  if (all || !SIBLINGS.includes(backbone)) testRoundTrip(backbone, { name: 'linear' })
