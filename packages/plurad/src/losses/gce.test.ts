/** Its two ends, which LDRNet's text has the other way round. */
import { tensor, type Tensor } from '@plurad/torch'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeLoss } from './registry.js'

const LABELS = ['a', 'b', 'c']
const context = {
  labels: LABELS,
  statistics: { images: 4, known: [4, 4, 4], positives: [1, 2, 3], together: [] },
}
const batches = fc
  .integer({ min: 1, max: 5 })
  .chain((images) =>
    fc.tuple(
      ...[fc.double({ min: -8, max: 8, noNaN: true }), fc.constantFrom(0, 1, NaN)].map((value) =>
        fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: images, maxLength: images }),
      ),
    ),
  )

function valueAndGradient(name: string, options: object, logits: number[][], targets: number[][]): number[] {
  const x = tensor(logits, { dtype: 'float64' }).requiresGrad_()
  const value: Tensor = makeLoss({ name, ...options }, context)(x, tensor(targets, { dtype: 'float64' }))
  value.backward()
  return [value.item(), ...(x.grad?.toFlatArray() ?? [])]
}

test.each([
  [1, 'mae', 1e-12],
  [1e-9, 'bce', 1e-6],
])('q = %f is %s, in value and gradient', (q, other, within) => {
  fc.assert(
    fc.property(batches, ([logits, targets]) => {
      const own = valueAndGradient('gce', { q }, logits, targets)
      const expected = valueAndGradient(other, {}, logits, targets)
      own.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(within))
    }),
    { numRuns: 50 },
  )
})
