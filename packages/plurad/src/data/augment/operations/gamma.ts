import { intensity, interval } from '../operation.js'

/** Entries of the table that powers are read from. */
const STEPS = 2048

/** Below this share the curve is too steep for the table. */
const STEEP = 1 / 256

/**
 * `x^g`; torchvision's `adjust_gamma`. The logarithm of g is drawn evenly, so that 2 and 1/2 are as likely. Within 1e-4
 * of the power.
 */
export const gamma = intensity({
  name: 'gamma',
  summary: 'raise values to a power',
  settings: { range: interval({ min: 0.1, max: 10 }, [0.8, 1.25]) },
  p: 1,
  apply({ range }, { pixels }, random) {
    const power = Math.exp(random.range(Math.log(range[0]), Math.log(range[1])))
    const table = new Float32Array(STEPS + 2)
    for (let step = 0; step < table.length; step++) table[step] = (step / STEPS) ** power
    for (let at = 0; at < pixels.length; at++) {
      const value = pixels[at]
      if (value < STEEP) {
        pixels[at] = value > 0 ? value ** power : 0
        continue
      }
      const exact = value * STEPS
      const step = exact | 0
      pixels[at] = table[step] + (exact - step) * (table[step + 1] - table[step])
    }
  },
})
