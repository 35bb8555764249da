import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { Augmenter } from './augment.js'
import { resample, affine, compose } from './geometry.js'
import type { AugmentationStep } from './steps.js'

const ramp = (size: number) =>
  Float32Array.from({ length: size * size }, (_, at) => ((at * 7919) % 101) / 101)
const options = { channels: 1, size: 16, target: 16 }
const run = (steps: readonly AugmentationStep[], seed: number) =>
  new Augmenter(steps, options).apply(ramp(16), new Random(seed))

describe('Augmenter', () => {
  it('gives an image back as it is where nothing is asked for', () => {
    expect(new Augmenter([], options).active).toBe(false)
    expect(run([], 1)).toEqual(ramp(16))
  })

  it('keeps to the order of the recipe', () => {
    const darken = { name: 'brightness', p: 1, factor: [0.3, 0.3] }
    const curve = { name: 'gamma', p: 1, range: [2, 2] }
    expect(run([darken, curve], 1)[10]).toBeCloseTo((0.3 * ramp(16)[10]) ** 2, 4)
    expect(run([curve, darken], 1)[10]).toBeCloseTo(0.3 * ramp(16)[10] ** 2, 4)
  })

  it('makes moves that follow each other at once', () => {
    const size = 16
    const random = new Random(3)
    const angles = [random.range(-20, 20), random.range(-50, 50)]
    const [first, second] = angles.map((angle) =>
      affine({ angle, translate: [0, 0], scale: 1, shear: [0, 0] }),
    )
    const expected = resample(ramp(size), { size, target: size }, compose(first, second), 'black')
    const turn = (degrees: number) => ({ name: 'rotation', degrees })
    expect(run([turn(20), turn(50)], 3)).toEqual(expected)
    // Something between them, or another fill, separates them.
    const nothing = { name: 'brightness', p: 0, factor: [1, 1] }
    expect(run([turn(20), { ...nothing, p: 1 }, turn(50)], 3)).not.toEqual(expected)
    expect(run([turn(20), { ...turn(50), fill: 'edge' }], 3)).not.toEqual(expected)
  })

  it('shifts back what was shifted out, without loss', () => {
    const steps = [
      { name: 'horizontal_flip', p: 1 },
      { name: 'vertical_flip', p: 1 },
      { name: 'horizontal_flip', p: 1 },
      { name: 'vertical_flip', p: 1 },
    ]
    expect(run(steps, 1)).toEqual(ramp(16))
  })

  it('cuts in the middle of a list, the other steps before and after', () => {
    const steps = [
      { name: 'gaussian_blur', p: 1, sigma: [0.5, 0.5] },
      { name: 'horizontal_flip', p: 1 },
      { name: 'random_crop' },
      { name: 'rotation', degrees: 5 },
      { name: 'contrast', factor: [0.9, 0.9] },
    ]
    const augmenter = new Augmenter(steps, { channels: 1, size: 20, target: 16 })
    expect(augmenter.apply(ramp(20), new Random(1))).toHaveLength(256)
  })

  it('refuses images that nothing cuts to size, and names that it does not know', () => {
    expect(() => new Augmenter([{ name: 'rotation' }], { channels: 1, size: 20, target: 16 })).toThrow(/cuts/)
    expect(() => new Augmenter([{ name: 'rotate' }], options)).toThrow(/rotate/)
  })
})
