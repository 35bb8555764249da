import { nn, type Tensor } from '@plurad/torch'

/**
 * g(h) = W2 ReLU(W1 h + b1) + b2 on pooled features: where views are compared. What it loses on the way (colour,
 * orientation) the features keep, which is why it is thrown away afterwards.
 * Chen et al., arXiv:2002.05709, section 2.1: one hidden layer as wide as the features, 128 out.
 */
export class ProjectionHead extends nn.Module {
  readonly hidden: nn.Linear
  readonly output: nn.Linear

  constructor(features: number, { hidden, dimensions }: { hidden: number | null; dimensions: number }) {
    super()
    const width = hidden ?? features
    this.hidden = new nn.Linear(features, width)
    this.output = new nn.Linear(width, dimensions)
  }

  /** [N, features] -> [N, dimensions] */
  forward(pooled: Tensor): Tensor {
    return this.output.forward(this.hidden.forward(pooled).relu())
  }
}
