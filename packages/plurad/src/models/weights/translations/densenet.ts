import type { Translation } from './translation.js'

/** The files on download.pytorch.org are older than the rule that names of modules hold no dots. */
export const oldDenseNet: Translation = {
  name: 'torchvision before 0.3',
  backbones: /^densenet/,
  key: (key) => key.replace(/(denselayer\d+\.(?:norm|relu|conv))\.([12])\./, '$1$2.'),
}

export const monaiDenseNet: Translation = {
  name: 'MONAI',
  backbones: /^densenet/,
  key: (key) =>
    key.replace(/(denselayer\d+)\.layers\./, '$1.').replace(/^class_layers\.out\./, 'classifier.'),
}
