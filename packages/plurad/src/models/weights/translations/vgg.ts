import { rulesOf, type Translation } from './translation.js'

/** timm writes the two large linear layers as convolutions over the whole map. */
export const timmVgg: Translation = {
  name: 'timm',
  backbones: /^vgg/,
  key: rulesOf([
    [/^(features\..*)$/, '$1'],
    [/^pre_logits\.fc1\./, 'classifier.0.'],
    [/^pre_logits\.fc2\./, 'classifier.3.'],
    [/^head\.fc\./, 'classifier.6.'],
  ]),
}
