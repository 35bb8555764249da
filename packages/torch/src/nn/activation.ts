import { aten } from '../aten.js'
import { empty } from '../factory.js'
import type { Tensor } from '../tensor.js'
import { Module } from './module.js'

/** max(x, 0). In place overwrites its input, which saves memory and must not be asked for where the input is needed. */
export class ReLU extends Module {
  constructor(readonly inplace = false) {
    super()
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.relu_() : x.relu()
  }
}

export class LeakyReLU extends Module {
  constructor(readonly negativeSlope = 0.01) {
    super()
  }

  forward(x: Tensor): Tensor {
    return aten.leaky_relu.default(x, this.negativeSlope)
  }
}

/** Gaussian error linear unit; `tanh` is the approximation. */
export class GELU extends Module {
  constructor(readonly approximate: 'none' | 'tanh' = 'none') {
    super()
  }

  forward(x: Tensor): Tensor {
    return aten.gelu.default(x, { approximate: this.approximate })
  }
}

/** x * sigmoid(x), also called swish. */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return aten.silu.default(x)
  }
}

/** x * relu6(x + 3) / 6: a swish without an exponential (Howard 2019). */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return aten.hardswish.default(x)
  }
}

/** relu6(x + 3) / 6. */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return aten.hardsigmoid.default(x)
  }
}

/**
 * min(max(x, 0), 6). In place as `ReLU` does, but for bfloat16 on the CPU, where the input stays as it is. Not a clamp,
 * which sends a gradient through values of 0 and 6 and takes four kernels to do so.
 */
export class ReLU6 extends Module {
  constructor(readonly inplace = false) {
    super()
  }

  forward(x: Tensor): Tensor {
    // The CPU has no gradient for this operator in bfloat16; two casts are half of what a clamp would take.
    if (x.dtype === 'bfloat16' && x.device === 'cpu')
      return aten.hardtanh_.default(x.float(), 0, 6).to({ dtype: 'bfloat16' })
    return this.inplace ? aten.hardtanh_.default(x, 0, 6) : aten.hardtanh.default(x, 0, 6)
  }
}

export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid()
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return x.tanh()
  }
}

export class Softmax extends Module {
  constructor(readonly dim: number) {
    super()
  }

  forward(x: Tensor): Tensor {
    return x.softmax(this.dim)
  }
}

export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
}

/** Sets elements to zero with probability `p` while training, and scales the others by 1 / (1 - p). */
export class Dropout extends Module {
  constructor(public p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Dropout: p has to lie in [0, 1], got ${p}`)
  }

  forward(x: Tensor): Tensor {
    return this.p === 0 || !this.training ? x : aten.dropout.default(x, this.p, true)
  }
}

/**
 * Drops whole samples of a residual branch with probability `p` while training, and scales the others by 1 / (1 - p):
 * stochastic depth (Huang 2016), "row" mode.
 */
export class StochasticDepth extends Module {
  constructor(public p: number) {
    super()
    if (!(p >= 0 && p < 1)) throw new RangeError(`StochasticDepth: p has to lie in [0, 1), got ${p}`)
  }

  forward(x: Tensor): Tensor {
    if (this.p === 0 || !this.training) return x
    const survive = 1 - this.p
    const one = new Array<number>(x.dim - 1).fill(1)
    const mask = empty([x.size(0), ...one], { device: x.device, dtype: x.dtype })
    return x.mul(aten.bernoulli_.float(mask, survive).div_(survive))
  }
}
