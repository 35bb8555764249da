/**
 * ConvNeXt (Liu et al., CVPR 2022, arXiv:2201.03545): depth-wise 7x7 convolutions in blocks shaped like a transformer's.
 * Layout and parameter names are torchvision's.
 */
import { full, nn, Parameter, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, stochasticDepth, type StochasticDepth } from '../define.js'
import { averagePool, dropPathAt, runStages } from '../layers.js'

const EPS = 1e-6

class ConvNextBlock extends nn.Module {
  readonly layer_scale: Parameter
  readonly block: nn.Sequential
  readonly stochastic_depth: nn.StochasticDepth

  constructor(channels: number, dropPath: number) {
    super()
    this.layer_scale = new Parameter(full([channels, 1, 1], 1e-6))
    this.block = new nn.Sequential({
      0: new nn.Conv2d(channels, channels, 7, { padding: 3, groups: channels }),
      2: new nn.LayerNorm(channels, EPS),
      3: new nn.Linear(channels, 4 * channels),
      4: new nn.GELU(),
      5: new nn.Linear(4 * channels, channels),
    })
    this.stochastic_depth = new nn.StochasticDepth(dropPath)
  }

  forward(x: Tensor): Tensor {
    const [filter, ...rest] = Array.from(this.block.namedChildren(), ([, module]) => module as nn.Module)
    // The channels go last between filter and end: [N, H, W, C].
    let inner = filter.forward(x).permute(0, 2, 3, 1)
    for (const module of rest) inner = module.forward(inner)
    return this.stochastic_depth.forward(inner.permute(0, 3, 1, 2).mul(this.layer_scale)).add(x)
  }
}

class ConvNext extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction = 32
  override readonly stem = 'features.0.0.weight'

  constructor(
    { inChannels }: BackboneSettings,
    { drop_path: dropPath }: StochasticDepth,
    {
      widths,
      blocks,
      publishedDropPath,
    }: { widths: readonly number[]; blocks: readonly number[]; publishedDropPath: number },
  ) {
    super()
    const total = blocks.reduce((a, b) => a + b, 0)
    let block = 0
    const modules: nn.Module[] = widths.flatMap((width, stage) => [
      stage === 0
        ? new nn.Sequential([
            new nn.Conv2d(inChannels, width, 4, { stride: 4 }),
            new nn.LayerNorm2d(width, EPS),
          ])
        : new nn.Sequential([
            new nn.LayerNorm2d(widths[stage - 1], EPS),
            new nn.Conv2d(widths[stage - 1], width, 2, { stride: 2 }),
          ]),
      new nn.Sequential(
        Array.from(
          { length: blocks[stage] },
          () => new ConvNextBlock(width, dropPathAt(dropPath ?? publishedDropPath, block++, total)),
        ),
      ),
    ])
    this.features = new nn.Sequential(modules)
    this.stageChannels = widths
    this.featureChannels = widths[widths.length - 1]
    for (const [, module] of this.namedModules()) {
      if (!(module instanceof nn.Conv2d || module instanceof nn.Linear)) continue
      nn.init.truncatedNormal_(module.weight, 0.02)
      if (module.bias) nn.init.constant_(module.bias, 0)
    }
  }

  forward(pixels: Tensor): Features {
    const stages = runStages(this.features, pixels, [1, 3, 5, 7])
    return { map: stages[stages.length - 1], stages, token: null }
  }

  publishedClassifier(labels: number): NormLinear {
    return new NormLinear(this.featureChannels, labels)
  }
}

/** Pooling, layer norm, linear. */
class NormLinear extends nn.Module<[Features], { logits: Tensor }> {
  readonly classifier: nn.Sequential

  constructor(channels: number, labels: number) {
    super()
    const linear = new nn.Linear(channels, labels)
    nn.init.truncatedNormal_(linear.weight, 0.02)
    if (linear.bias) nn.init.constant_(linear.bias, 0)
    this.classifier = new nn.Sequential({ 0: new nn.LayerNorm(channels, EPS), 2: linear })
  }

  forward({ map }: Features): { logits: Tensor } {
    return { logits: this.classifier.forward(averagePool(map)) }
  }
}

const convnext = (widths: readonly number[], blocks: readonly number[], publishedDropPath: number) =>
  defineBackbone({
    paper: 'Liu et al., A ConvNet for the 2020s, CVPR 2022',
    options: stochasticDepth,
    make: (settings, options) => new ConvNext(settings, options, { widths, blocks, publishedDropPath }),
  })

export const convnextTiny = convnext([96, 192, 384, 768], [3, 3, 9, 3], 0.1)
export const convnextSmall = convnext([96, 192, 384, 768], [3, 3, 27, 3], 0.4)
export const convnextBase = convnext([128, 256, 512, 1024], [3, 3, 27, 3], 0.5)
