/** Global average pooling and one linear layer: with DenseNet-121 and a sigmoid this is CheXNet (arXiv:1711.05225). */
import { nn, type Tensor } from '@plurad/torch'

export class LinearHead extends nn.Module {
  readonly classifier: nn.Linear

  constructor(featureChannels: number, labels: number) {
    super()
    this.classifier = new nn.Linear(featureChannels, labels)
    if (this.classifier.bias) nn.init.constant_(this.classifier.bias, 0)
  }

  /** Feature map [N, C, H, W] -> logits [N, labels]. */
  forward(features: Tensor): Tensor {
    return this.classifier.forward(features.mean([2, 3]))
  }
}
