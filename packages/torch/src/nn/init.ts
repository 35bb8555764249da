/** Initial values, drawn as PyTorch draws them: the same seed gives the same weights. */
import { aten } from '../aten.js'
import { noGrad } from '../autograd.js'
import type { Tensor } from '../tensor.js'

function fans(weight: Tensor): { fanIn: number; fanOut: number } {
  const [out = 1, into = 1, ...kernel] = weight.shape
  const receptive = kernel.reduce((product, size) => product * size, 1)
  return { fanIn: into * receptive, fanOut: out * receptive }
}

export type FanMode = 'fan_in' | 'fan_out'

/** He initialisation, uniform: bound = gain * sqrt(3 / fan), gain = sqrt(2 / (1 + a^2)) (He 2015). */
export function kaimingUniform_(weight: Tensor, a = 0, mode: FanMode = 'fan_in'): Tensor {
  const { fanIn, fanOut } = fans(weight)
  const bound = Math.sqrt(3) * (Math.sqrt(2 / (1 + a * a)) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut))
  return noGrad(() => weight.uniform_(-bound, bound))
}

/** He initialisation, normal: std = sqrt(2 / fan) for ReLU (He 2015). */
export function kaimingNormal_(weight: Tensor, mode: FanMode = 'fan_in'): Tensor {
  const { fanIn, fanOut } = fans(weight)
  return noGrad(() => weight.normal_(0, Math.sqrt(2) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut)))
}

/** Glorot initialisation, uniform: bound = gain * sqrt(6 / (fanIn + fanOut)) (Glorot 2010). */
export function xavierUniform_(weight: Tensor, gain = 1): Tensor {
  const { fanIn, fanOut } = fans(weight)
  const bound = Math.sqrt(3) * (gain * Math.sqrt(2 / (fanIn + fanOut)))
  return noGrad(() => weight.uniform_(-bound, bound))
}

/** Glorot initialisation, normal: std = gain * sqrt(2 / (fanIn + fanOut)) (Glorot 2010). */
export function xavierNormal_(weight: Tensor, gain = 1): Tensor {
  const { fanIn, fanOut } = fans(weight)
  return noGrad(() => weight.normal_(0, gain * Math.sqrt(2 / (fanIn + fanOut))))
}

export function normal_(weight: Tensor, mean = 0, std = 1): Tensor {
  return noGrad(() => weight.normal_(mean, std))
}

/** erf(sqrt(2)): the share of a normal distribution within two standard deviations. */
const WITHIN_TWO = 0.9544997361036416

/** Normal within two standard deviations, drawn again outside them: transformers' usual start. */
export function truncatedNormal_(weight: Tensor, std = 0.02): Tensor {
  // By the inverse distribution function, as PyTorch draws it.
  return noGrad(() =>
    weight
      .uniform_(-WITHIN_TWO, WITHIN_TWO)
      .copy_(aten.erfinv.default(weight))
      .mul_(std * Math.SQRT2)
      .clamp_(-2 * std, 2 * std),
  )
}

export function uniform_(weight: Tensor, from = 0, to = 1): Tensor {
  return noGrad(() => weight.uniform_(from, to))
}

export function constant_(weight: Tensor, value: number): Tensor {
  return noGrad(() => weight.fill_(value))
}

/** What convolutions and linear layers start with: Kaiming uniform with a = sqrt(5), the bias within 1/sqrt(fanIn). */
export function defaultLayer_(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, Math.sqrt(5))
  if (bias) {
    const bound = 1 / Math.sqrt(fans(weight).fanIn)
    uniform_(bias, -bound, bound)
  }
}
