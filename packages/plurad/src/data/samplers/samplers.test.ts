import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LabelValue } from '../dataset.js'
import { Random } from '../random.js'
import { makeSampler, samplers, samplerSettings, type SamplerSettings } from './registry.js'
import type { LabelRows } from './sampler.js'

const settingsOf = (given: unknown): SamplerSettings => samplerSettings.parse(given)

/** How often each image was drawn, per draw, over many epochs. */
function frequencies(rows: LabelRows, settings: unknown, epochs: number): number[] {
  const draw = makeSampler(rows, settingsOf(settings))
  const counts = rows.map(() => 0)
  let draws = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const row of draw(new Random(5, epoch))) {
      counts[row]++
      draws++
    }
  }
  return counts.map((count) => count / draws)
}

const share = (
  rows: LabelRows,
  drawn: readonly number[],
  which: (labels: readonly LabelValue[]) => boolean,
) => drawn.reduce((sum, value, row) => sum + (which(rows[row]) ? value : 0), 0)

/** 60 images of label 0 alone, 15 of label 1 alone, 5 of label 2 alone, 20 of none (10 of them unknown). */
const exclusive: LabelRows = [
  ...Array.from({ length: 60 }, (): LabelValue[] => [1, 0, 0]),
  ...Array.from({ length: 15 }, (): LabelValue[] => [0, 1, 0]),
  ...Array.from({ length: 5 }, (): LabelValue[] => [0, null, 1]),
  ...Array.from({ length: 10 }, (): LabelValue[] => [0, 0, 0]),
  ...Array.from({ length: 10 }, (): LabelValue[] => [null, 0, null]),
]

const names = samplers.map(({ settings }) => settings.shape.name.value)

const labelRows = fc.integer({ min: 1, max: 5 }).chain((labels) =>
  fc.array(fc.array(fc.constantFrom<LabelValue[]>(1, 0, null), { minLength: labels, maxLength: labels }), {
    minLength: 1,
    maxLength: 40,
  }),
)

describe.each(names)('sampler %s', (name) => {
  it('gives one index of a sample a draw, by seed and epoch alone', () => {
    fc.assert(
      fc.property(labelRows, fc.nat(), (rows, seed) => {
        const settings = settingsOf(name)
        const order = makeSampler(rows, settings)(new Random(seed, 3))
        expect(order).toHaveLength(rows.length)
        expect(order.every((row) => row < rows.length)).toBe(true)
        // Of whatever came before: a resumed run draws the same epoch.
        const resumed = makeSampler(rows, settings)
        resumed(new Random(seed, 2))
        expect(resumed(new Random(seed, 3))).toEqual(order)
      }),
    )
  })

  it('draws another epoch another time, sequential aside', () => {
    const draw = makeSampler(exclusive, settingsOf(name))
    const [first, second] = [draw(new Random(1, 0)), draw(new Random(1, 1))]
    if (name === 'sequential') expect(second).toEqual(first)
    else expect(second).not.toEqual(first)
  })

  it('has a summary, and refuses settings that it does not have', () => {
    expect(samplers.find(({ settings }) => settings.shape.name.value === name)?.summary).toMatch(/^\w.*[^.]$/)
    expect(samplerSettings.safeParse({ name, colour: 'red' }).success).toBe(false)
  })
})

describe.each(['shuffled', 'sequential'])('%s', (name) => {
  it('has every image once', () => {
    const order = makeSampler(exclusive, settingsOf(name))(new Random(1, 0))
    expect(Array.from(order).sort((a, b) => a - b)).toEqual([...exclusive.keys()])
  })
})

describe('class-aware', () => {
  it('draws every label equally often, and the images of a label equally often', () => {
    // 4 classes, the unlabelled one among them, in 25 rounds of an epoch of 100.
    const order = makeSampler(exclusive, settingsOf('class-aware'))(new Random(1, 0))
    const counts = exclusive.map((_, row) => order.filter((drawn) => drawn === row).length)
    const total = (from: number, to: number) => counts.slice(from, to).reduce((sum, count) => sum + count, 0)
    expect([total(0, 60), total(60, 75), total(75, 80), total(80, 100)]).toEqual([25, 25, 25, 25])
    expect(new Set(counts.slice(0, 60))).toEqual(new Set([0, 1]))
    expect(new Set(counts.slice(60, 75))).toEqual(new Set([1, 2]))
    expect(new Set(counts.slice(75, 80))).toEqual(new Set([5]))
  })

  it('leaves images without a label out where they are no class', () => {
    const drawn = frequencies(exclusive, { name: 'class-aware', unlabelled: false, images_per_epoch: 300 }, 1)
    expect(drawn.slice(80).every((value) => value === 0)).toBe(true)
    expect(share(exclusive, drawn, (labels) => labels[2] === 1)).toBeCloseTo(1 / 3, 10)
  })

  it('counts an image of two labels for both', () => {
    // Class 0: rows 0, 1; class 1: rows 1, 2. Row 1 has half of each class, the others a quarter of all.
    const drawn = frequencies(
      [
        [1, 0],
        [1, 1],
        [0, 1],
      ],
      { name: 'class-aware', images_per_epoch: 4 },
      500,
    )
    expect(drawn).toEqual([0.25, 0.5, 0.25])
  })
})

describe('square-root', () => {
  it('draws labels by the square root of their frequency', () => {
    const drawn = frequencies(exclusive, { name: 'square-root', images_per_epoch: 2000 }, 20)
    const roots = [60, 15, 5, 20].map(Math.sqrt)
    const total = roots.reduce((a, b) => a + b)
    const shares = [
      share(exclusive, drawn, (labels) => labels[0] === 1),
      share(exclusive, drawn, (labels) => labels[1] === 1),
      share(exclusive, drawn, (labels) => labels[2] === 1),
      share(exclusive, drawn, (labels) => !labels.includes(1)),
    ]
    // 40,000 draws: the standard error of a share is below 0.0025.
    shares.forEach((value, i) => expect(Math.abs(value - roots[i] / total)).toBeLessThan(0.01))
  })
})

describe('weighted', () => {
  it.each([
    [{ name: 'weighted' }, (n: number) => 1 / n],
    [
      { name: 'weighted', weight: 'effective-number', beta: 0.9 },
      // Cui et al.: 1 / E_n with E_n = (1 - beta^n) / (1 - beta); 0.1 for 60, 0.1259 for 15, 0.2442 for 5, 0.1138 for 20.
      (n: number) => ({ 60: 0.10018, 15: 0.12593, 5: 0.24419, 20: 0.11384 })[n] ?? NaN,
    ],
  ])('%j draws images by the weight of their class', (settings, weightOf) => {
    const drawn = frequencies(exclusive, { ...settings, images_per_epoch: 2000 }, 20)
    const sizes = [60, 15, 5, 20]
    const shares = sizes.map((n) => n * weightOf(n))
    const total = shares.reduce((a, b) => a + b)
    let from = 0
    sizes.forEach((n, i) => {
      const found = drawn.slice(from, (from += n)).reduce((a, b) => a + b)
      expect(Math.abs(found - shares[i] / total)).toBeLessThan(0.01)
    })
  })

  it('gives an image of several labels the weight of the rarest', () => {
    const rows: LabelRows = [
      [1, 1],
      [1, 0],
      [1, 0],
      [1, 0],
    ]
    // Weights 1 (label 1 has one image), 1/4, 1/4, 1/4.
    const drawn = frequencies(rows, { name: 'weighted', images_per_epoch: 4000 }, 10)
    expect(Math.abs(drawn[0] - 4 / 7)).toBeLessThan(0.01)
  })
})
