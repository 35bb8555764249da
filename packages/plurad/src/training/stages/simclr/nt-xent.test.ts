import { readFileSync } from 'node:fs'
import { cat, manualSeed, randn, scope, tensor, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { ntXent } from './nt-xent.js'

interface Case {
  images: number
  temperature: number
  embeddings: number[]
  value: number
  gradient: number[]
}

/** Made by make_nt_xent.py beside it. */
const { cases } = JSON.parse(
  readFileSync(new URL('../../../../test/fixtures/stages/nt-xent.json', import.meta.url), 'utf8'),
) as { cases: Case[] }

function evaluate(embeddings: Tensor, temperature: number): { value: number; gradient: number[] } {
  const z = embeddings.requiresGrad_()
  const value = ntXent(z, temperature)
  value.backward()
  return { value: value.item(), gradient: z.grad?.toFlatArray() ?? [] }
}

describe('NT-Xent', () => {
  test.each(cases)('of $images images at $temperature equals loops over the views', (expected) => {
    const { images, temperature, embeddings } = expected
    const found = scope(() =>
      evaluate(tensor(embeddings, { dtype: 'float64' }).view(2 * images, -1), temperature),
    )
    expect(Math.abs(found.value - expected.value)).toBeLessThan(1e-6)
    expect(found.gradient).toHaveLength(expected.gradient.length)
    found.gradient.forEach((slope, i) => expect(Math.abs(slope - expected.gradient[i])).toBeLessThan(1e-6))
  })

  test('of views that are all the same is log(2N - 1), as by chance', () => {
    for (const images of [2, 7]) {
      const same = Array.from({ length: 2 * images }, () => [3, 4])
      expect(scope(() => ntXent(tensor(same), 0.2).item())).toBeCloseTo(Math.log(2 * images - 1), 5)
    }
  })

  test('looks at neither the lengths nor the order of the images', () => {
    manualSeed(3)
    scope(() => {
      const z = randn([12, 5], { dtype: 'float64' })
      const value = ntXent(z, 0.3).item()
      const lengths = randn([12, 1], { dtype: 'float64' }).abs().add(0.1)
      expect(ntXent(z.mul(lengths), 0.3).item()).toBeCloseTo(value, 8)
      const reversed = cat(z.chunk(2).map((views) => views.flip(0)))
      expect(ntXent(reversed, 0.3).item()).toBeCloseTo(value, 10)
      // Second views of other images: what belongs together no longer does.
      const [first, second] = z.chunk(2)
      expect(ntXent(cat([first, second.flip(0)]), 0.3).item()).not.toBeCloseTo(value, 2)
    })
  })

  test('stays finite, gradients included, for vectors of no length and for small temperatures', () => {
    const empty = [0, 0]
    for (const z of [
      [empty, empty, [1, 0], empty],
      [
        [1e4, 0],
        [0, 1e4],
        [-1e4, 0],
        [0, -1e4],
      ],
    ]) {
      const { value, gradient } = scope(() => evaluate(tensor(z), 0.01))
      expect(Number.isFinite(value)).toBe(true)
      expect(gradient.every(Number.isFinite)).toBe(true)
    }
  })

  test('refuses an odd number of views', () => {
    expect(() => scope(() => ntXent(randn([3, 2]), 0.2))).toThrow(/two views/)
  })
})
