/** Counts the multiply-adds (MACs) of a computation as papers do: convolutions, linear layers, products of matrices. */
import { observeCalls } from '../aten.js'
import type { Tensor } from '../tensor.js'

/** Runs something and counts what its convolutions, linear layers, matrix products and LSTMs multiply and add. */
export function countMultiplyAdds(run: () => void): number {
  let count = 0
  const before = observeCalls((schema, values, result) => {
    const name = schema.name.replace(/^aten::/, '').replace(/\..*$/, '')
    if (Object.hasOwn(rules, name)) count += rules[name](values as Values, result as Tensor & Tensor[])
    before?.(schema, values, result)
  })
  try {
    run()
  } finally {
    observeCalls(before)
  }
  return count
}

type Values = readonly (Tensor & readonly Tensor[])[]
type Rule = (values: Values, result: Tensor & readonly Tensor[]) => number

const last = (tensor: Tensor): number => tensor.size(-1)

/** Every value of the result is a sum over a filter. */
const convolution: Rule = ([, weight], result) => result.numel * (weight.numel / weight.size(0))
/** Every value of the result is a sum over a row. */
const product: Rule = ([left], result) => result.numel * last(left)

const rules: Readonly<Record<string, Rule>> = {
  conv1d: convolution,
  conv2d: convolution,
  conv3d: convolution,
  linear: product,
  matmul: product,
  mm: product,
  bmm: product,
  addmm: ([, left], result) => result.numel * last(left),
  // Input, first states, weights: each step multiplies with every matrix.
  lstm: ([, , weights], [output]) => {
    const matrices = weights.filter((weight) => weight.dim === 2)
    return matrices.reduce((sum, weight) => sum + weight.numel, 0) * (output.numel / last(output))
  },
}
