import { aten } from '../aten.js'
import { empty } from '../factory.js'
import { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { constant_, xavierUniform_ } from './init.js'
import { Linear } from './linear.js'
import { Module } from './module.js'

export interface AttentionOutput {
  /** [N, L, E] */
  output: Tensor
  /** Mean over the heads of the attention weights, [N, L, S]; each row sums to one. Null unless asked for. */
  weights: Tensor | null
}

/**
 * Multi-head attention (Vaswani 2017) on batch-first tensors. Parameter names are PyTorch's `nn.MultiheadAttention`'s.
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, needWeights?: boolean],
  AttentionOutput
> {
  readonly in_proj_weight: Parameter
  readonly in_proj_bias: Parameter
  readonly out_proj: Linear
  readonly heads: number
  readonly #dropout: number

  constructor(dim: number, heads: number, dropout = 0) {
    super()
    if (dim % heads !== 0)
      throw new RangeError(`MultiheadAttention: dimension ${dim} is not divisible by ${heads} heads`)
    this.in_proj_weight = new Parameter(empty([3 * dim, dim]))
    this.in_proj_bias = new Parameter(empty([3 * dim]))
    this.out_proj = new Linear(dim, dim)
    this.heads = heads
    this.#dropout = dropout
    xavierUniform_(this.in_proj_weight)
    constant_(this.in_proj_bias, 0)
    if (this.out_proj.bias) constant_(this.out_proj.bias, 0)
  }

  /** Query [N, L, E], key and value [N, S, E]. */
  forward(query: Tensor, key: Tensor, value: Tensor, needWeights = false): AttentionOutput {
    const [q, k, v] = this.#project(query, key, value)
    const dim = this.out_proj.weight.size(0) / this.heads
    const scores = q
      .mul(dim ** -0.5)
      .matmul(k.transpose(-2, -1))
      .softmax(-1)
    const kept =
      this.training && this.#dropout > 0 ? aten.dropout.default(scores, this.#dropout, true) : scores
    const mixed = kept.matmul(v)
    const output = this.out_proj.forward(mixed.transpose(1, 2).flatten(2))
    return { output, weights: needWeights ? scores.mean(1) : null }
  }

  /** Each as [N, heads, length, E / heads]. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const split = (x: Tensor): Tensor => x.view(x.size(0), x.size(1), this.heads, -1).transpose(1, 2)
    if (query === key && key === value) {
      return aten.linear.default(query, this.in_proj_weight, this.in_proj_bias).chunk(3, -1).map(split)
    }
    const weights = this.in_proj_weight.chunk(3)
    const biases = this.in_proj_bias.chunk(3)
    return [query, key, value].map((x, i) => split(aten.linear.default(x, weights[i], biases[i])))
  }
}
