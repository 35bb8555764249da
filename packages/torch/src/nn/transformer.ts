import type { Tensor } from '../tensor.js'
import { Dropout, GELU, ReLU } from './activation.js'
import { MultiheadAttention } from './attention.js'
import { Linear } from './linear.js'
import { Module } from './module.js'
import { LayerNorm } from './norm.js'

export interface TransformerOptions {
  /** Width of the feed-forward part, default 2048. */
  feedForward?: number
  /** Default 0.1. */
  dropout?: number
  activation?: 'relu' | 'gelu'
  /** Normalise before each part instead of after it. */
  normFirst?: boolean
}

/** What encoder and decoder layers share: the feed-forward part and its names. */
abstract class TransformerLayer<Inputs extends unknown[]> extends Module<Inputs> {
  readonly self_attn: MultiheadAttention
  readonly linear1: Linear
  readonly dropout: Dropout
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly dropout1: Dropout
  readonly dropout2: Dropout
  protected readonly normFirst: boolean
  readonly #activation: Module

  constructor(dim: number, heads: number, options: TransformerOptions = {}) {
    super()
    const { feedForward = 2048, dropout = 0.1, activation = 'relu', normFirst = false } = options
    this.self_attn = new MultiheadAttention(dim, heads, dropout)
    this.linear1 = new Linear(dim, feedForward)
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(feedForward, dim)
    this.norm1 = new LayerNorm(dim)
    this.norm2 = new LayerNorm(dim)
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.normFirst = normFirst
    this.#activation = activation === 'relu' ? new ReLU() : new GELU()
  }

  /** x + part(x), normalised before or after. */
  protected residual(x: Tensor, norm: LayerNorm, part: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? x.add(part(norm.forward(x))) : norm.forward(x.add(part(x)))
  }

  protected feedForward(x: Tensor): Tensor {
    return this.linear2.forward(this.dropout.forward(this.#activation.forward(this.linear1.forward(x))))
  }
}

/** Self-attention, then feed-forward (Vaswani 2017): [N, L, E] -> [N, L, E]. Names are PyTorch's. */
export class TransformerEncoderLayer extends TransformerLayer<[Tensor]> {
  forward(x: Tensor): Tensor {
    return this.attend(x).output
  }

  /** The same, with the weights by which each token looks at the others, [N, L, L]. */
  attend(x: Tensor, needWeights = false): { output: Tensor; weights: Tensor | null } {
    let weights: Tensor | null = null
    const attended = this.residual(x, this.norm1, (y) => {
      const attention = this.self_attn.forward(y, y, y, needWeights)
      weights = attention.weights
      return this.dropout1.forward(attention.output)
    })
    const output = this.residual(attended, this.norm2, (y) => this.dropout2.forward(this.feedForward(y)))
    return { output, weights }
  }
}

/**
 * Self-attention, attention to a memory, feed-forward (Vaswani 2017): [N, L, E] and [N, S, E] -> [N, L, E].
 * Names are PyTorch's.
 */
export class TransformerDecoderLayer extends TransformerLayer<[target: Tensor, memory: Tensor]> {
  readonly multihead_attn: MultiheadAttention
  readonly norm3: LayerNorm
  readonly dropout3: Dropout

  constructor(dim: number, heads: number, options: TransformerOptions = {}) {
    super(dim, heads, options)
    this.multihead_attn = new MultiheadAttention(dim, heads, options.dropout ?? 0.1)
    this.norm3 = new LayerNorm(dim)
    this.dropout3 = new Dropout(options.dropout ?? 0.1)
  }

  forward(target: Tensor, memory: Tensor): Tensor {
    return this.attend(target, memory).output
  }

  /** The same, with the weights by which each target looks at the memory, [N, L, S]. */
  attend(target: Tensor, memory: Tensor, needWeights = false): { output: Tensor; weights: Tensor | null } {
    let weights: Tensor | null = null
    const own = this.residual(target, this.norm1, (y) =>
      this.dropout1.forward(this.self_attn.forward(y, y, y).output),
    )
    const crossed = this.residual(own, this.norm2, (y) => {
      const attention = this.multihead_attn.forward(y, memory, memory, needWeights)
      weights = attention.weights
      return this.dropout2.forward(attention.output)
    })
    const output = this.residual(crossed, this.norm3, (y) => this.dropout3.forward(this.feedForward(y)))
    return { output, weights }
  }
}
