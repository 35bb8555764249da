/**
 * Operators that some releases of the engine compute wrongly, made right at the door. A repair leaves every other
 * call of its operator alone and costs the other operators nothing.
 */
import { TensorHandle } from './tensor-handle.js'

/** As of `aten.ts`, which this file must not import. */
type Bound = (...values: unknown[]) => unknown
type Find = (name: string, overload: string) => Bound

function hasBetaZero(values: readonly unknown[]): boolean {
  const keywords = values[3]
  if (typeof keywords !== 'object' || keywords === null || !('beta' in keywords)) return false
  return Number(keywords.beta) === 0 && values[0] instanceof TensorHandle
}

/**
 * With `beta: 0` the CPU kernel for small matrices multiplies what lies in the result's fresh memory by zero, so that
 * leftovers that are not numbers come through now and then (pytorch/pytorch issues 80588 and 96037). Zeros in place of
 * `self` and `beta: 1` give what is documented; the mask hands `self` the gradient of zeros that it should have.
 */
function baddbmm(bound: Bound, find: Find): Bound {
  return (...values) => {
    if (!hasBetaZero(values)) return bound(...values)
    const [self, ...rest] = values
    const everything = find('ones_like', 'default')(self, { dtype: 'bool' })
    const zeros = find('masked_fill', 'Scalar')(self, everything, 0)
    return bound(zeros, rest[0], rest[1], { ...(rest[2] as object), beta: 1 })
  }
}

/** Not computed in place, so that `self` keeps its values where the arguments do not fit each other. */
function baddbmmInPlace(bound: Bound, find: Find): Bound {
  return (...values) =>
    hasBetaZero(values)
      ? find('copy_', 'default')(values[0], find('baddbmm', 'default')(...values))
      : bound(...values)
}

const repairs = new Map<string, (bound: Bound, find: Find) => Bound>([
  ['aten::baddbmm', baddbmm],
  ['aten::baddbmm_', baddbmmInPlace],
])

/** The operator itself, or in its repaired form where the engine has it wrong. */
export function repaired(name: string, bound: Bound, find: Find): Bound {
  return repairs.get(name)?.(bound, find) ?? bound
}
