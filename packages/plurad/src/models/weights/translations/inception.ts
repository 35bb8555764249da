import type { Translation } from './translation.js'

/** Cadene's files and timm's differ in the classifier's name. */
export const cadeneInceptionResNet: Translation = {
  name: 'Cadene/pretrained-models.pytorch',
  backbones: /^inception_resnet_v2$/,
  key: (key) => key.replace(/^last_linear\./, 'classif.'),
}
