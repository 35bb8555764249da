import { aten, wrap } from '../aten.js'
import { noGrad } from '../autograd.js'
import { scope } from '../memory.js'
import { native } from '../native.js'
import type { Parameter } from '../parameter.js'

/** Scales all gradients so that their common L2 norm is at most `maxNorm`; gives the norm before. */
export function clipGradNorm_(parameters: readonly Parameter[], maxNorm: number): number {
  return noGrad(() =>
    scope(() => {
      const gradients = native
        .gradsOf(parameters.map((parameter) => parameter.handle))
        .filter((handle) => handle !== undefined)
        .map(wrap)
      if (gradients.length === 0) return 0
      const norms = aten._foreach_norm.Scalar(gradients, 2)
      const total = aten.stack.default(norms).norm().item()
      const scale = maxNorm / (total + 1e-6)
      if (scale < 1) aten._foreach_mul_.Scalar(gradients, scale)
      return total
    }),
  )
}
