/** Every translation of names. Adding one is a file and a line here. */
import { facebookConvNext, timmConvNext } from './convnext.js'
import { monaiDenseNet, oldDenseNet } from './densenet.js'
import { cadeneInceptionResNet } from './inception.js'
import { timmEfficientNet, timmMobileNetV2, timmMobileNetV3 } from './mobile.js'
import { timmSwin } from './swin.js'
import type { Translation } from './translation.js'
import { timmVgg } from './vgg.js'
import { oldTorchvisionVit, timmVit } from './vit.js'

const translations: readonly Translation[] = [
  oldDenseNet,
  monaiDenseNet,
  timmVgg,
  timmEfficientNet,
  timmMobileNetV2,
  timmMobileNetV3,
  cadeneInceptionResNet,
  timmConvNext,
  facebookConvNext,
  timmVit,
  oldTorchvisionVit,
  timmSwin,
]

/** The names as they are: torchvision's, and our own. */
const asTheyAre: Translation = { name: 'torchvision', backbones: /^/, key: (key) => key }

/** Those that a backbone's checkpoints may need, the plainest first. */
export function translationsFor(backbone: string): Translation[] {
  return [asTheyAre, ...translations.filter(({ backbones }) => backbones.test(backbone))]
}
