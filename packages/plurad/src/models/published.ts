/** Classifiers as architectures were published with, where several share one. */
import { nn, type Tensor } from '@plurad/torch'
import { averagePool } from './layers.js'

/** Pooling, then dropout and a linear layer in a `Sequential` called `classifier`: keys `classifier.1.*`. */
export class DropoutLinear extends nn.Module<[{ map: Tensor }], { logits: Tensor }> {
  readonly classifier: nn.Sequential

  constructor(channels: number, labels: number, dropout: number) {
    super()
    const linear = new nn.Linear(channels, labels)
    nn.init.normal_(linear.weight, 0, 0.01)
    if (linear.bias) nn.init.constant_(linear.bias, 0)
    this.classifier = new nn.Sequential([new nn.Dropout(dropout), linear])
  }

  forward({ map }: { map: Tensor }): { logits: Tensor } {
    return { logits: this.classifier.forward(averagePool(map)) }
  }
}

/** Pooling and one linear layer under the name that an architecture gives it. */
export class PooledLinear extends nn.Module<[{ map: Tensor }], { logits: Tensor }> {
  readonly #name: string
  readonly #dropout: nn.Dropout
  readonly #linear: nn.Linear

  constructor(name: string, channels: number, labels: number, dropout = 0) {
    super()
    this.#name = name
    this.#dropout = new nn.Dropout(dropout)
    this.#linear = new nn.Linear(channels, labels)
  }

  /** The dropout has no parameters, but has to know whether it trains. */
  override *namedChildren(): Generator<[string, nn.AnyModule]> {
    yield [this.#name, this.#linear]
    yield ['dropout', this.#dropout]
  }

  forward({ map }: { map: Tensor }): { logits: Tensor } {
    return { logits: this.#linear.forward(this.#dropout.forward(averagePool(map))) }
  }
}
