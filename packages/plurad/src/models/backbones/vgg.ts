/**
 * VGG (Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556): 3x3 convolutions in five stages, each halved by max pooling.
 * Layout and parameter names are torchvision's, so that its checkpoints load by key.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, publishedDropout, type PublishedDropout } from '../define.js'
import { initialiseConvolutions } from '../layers.js'

const WIDTHS = [64, 128, 256, 512, 512] as const

class Vgg extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels = 512
  override readonly stageChannels: readonly number[] = WIDTHS
  override readonly reduction = 32
  override readonly stem = 'features.0.weight'
  /** After which of `features` each stage ends. */
  readonly #ends: readonly number[]
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    { dropout }: PublishedDropout,
    { convolutions, batchNorm }: { convolutions: readonly number[]; batchNorm: boolean },
  ) {
    super()
    const modules: nn.Module[] = []
    let channels = inChannels
    this.#ends = WIDTHS.map((width, stage) => {
      for (let i = 0; i < convolutions[stage]; i++) {
        modules.push(new nn.Conv2d(channels, width, 3, { padding: 1 }))
        if (batchNorm) modules.push(new nn.BatchNorm2d(width))
        modules.push(new nn.ReLU(true))
        channels = width
      }
      return modules.push(new nn.MaxPool2d(2))
    })
    this.features = new nn.Sequential(modules)
    this.#dropout = dropout ?? 0.5
    initialiseConvolutions(this)
  }

  forward(pixels: Tensor): Features {
    let x = pixels
    const stages: Tensor[] = []
    let at = 0
    for (const end of this.#ends) {
      for (; at < end; at++) x = this.features.get(at).forward(x)
      stages.push(x)
    }
    return { map: x, stages, token: null }
  }

  publishedClassifier(labels: number): VggClassifier {
    return new VggClassifier(labels, this.#dropout)
  }
}

/** 7x7 positions and three linear layers with dropout between them: 120 million of VGG-16's 138 million weights. */
class VggClassifier extends nn.Module<[Features], { logits: Tensor }> {
  readonly classifier: nn.Sequential

  constructor(labels: number, dropout: number) {
    super()
    const linear = (from: number, to: number): nn.Linear => {
      const made = new nn.Linear(from, to)
      nn.init.normal_(made.weight, 0, 0.01)
      if (made.bias) nn.init.constant_(made.bias, 0)
      return made
    }
    this.classifier = new nn.Sequential([
      linear(512 * 7 * 7, 4096),
      new nn.ReLU(true),
      new nn.Dropout(dropout),
      linear(4096, 4096),
      new nn.ReLU(true),
      new nn.Dropout(dropout),
      linear(4096, labels),
    ])
  }

  forward({ map }: Features): { logits: Tensor } {
    return { logits: this.classifier.forward(new nn.AdaptiveAvgPool2d(7).forward(map).flatten(1)) }
  }
}

const vgg = (convolutions: readonly number[], batchNorm: boolean) =>
  defineBackbone({
    paper: 'Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015',
    options: publishedDropout,
    make: (settings, options) => new Vgg(settings, options, { convolutions, batchNorm }),
  })

export const vgg16 = vgg([2, 2, 3, 3, 3], false)
export const vgg16bn = vgg([2, 2, 3, 3, 3], true)
export const vgg19 = vgg([2, 2, 4, 4, 4], false)
export const vgg19bn = vgg([2, 2, 4, 4, 4], true)
