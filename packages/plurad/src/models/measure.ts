/** Size and cost of a backbone, as papers state them. */
import { countMultiplyAdds, noGrad, scope, zeros } from '@plurad/torch'
import { Classifier } from './classifier.js'
import { backbones, lookUp } from './registry.js'

export interface BackboneSize {
  /** Learned numbers, with the published classifier of 1,000 classes. */
  parameters: number
  /** Multiply-adds of one image in evaluation. */
  multiplyAdds: number
  /** Side of the image or volume, pixels, and its channels. */
  size: number
  channels: number
}

/** Sides at which the papers count: 299 for Inception, 224 for other images; 96 for volumes. */
function sideOf(name: string, dims: 2 | 3): number {
  if (dims === 3) return 96
  return name.startsWith('inception') ? 299 : 224
}

/** Runs one image through the network. */
export function measureBackbone(name: string): BackboneSize {
  const { dims } = lookUp(backbones, 'backbone', name)
  const size = sideOf(name, dims)
  const channels = dims === 3 ? 1 : 3
  return scope(() => {
    const model = new Classifier({
      backbone: { name },
      head: { name: 'published' },
      size,
      inChannels: channels,
      labels: Array.from({ length: 1000 }, (_, i) => `class ${i}`),
      mean: new Array<number>(channels).fill(0),
      std: new Array<number>(channels).fill(1),
    }).eval()
    const image = zeros([1, channels, ...new Array<number>(dims).fill(size)])
    const multiplyAdds = countMultiplyAdds(() => noGrad(() => void scope(() => model.forward(image))))
    return { parameters: model.countParameters(), multiplyAdds, size, channels }
  })
}
