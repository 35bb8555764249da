import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { Augmenter } from './augment.js'
import { pictureBytes, previewRows, variedSamples } from './preview.js'

const ramp = (size: number) => Float32Array.from({ length: size * size }, (_, at) => at / size ** 2)

describe('previewRows', () => {
  const options = { channels: 1, size: 6, target: 4, draws: 3, key: [5, 0] }
  const steps = [
    { name: 'horizontal_flip', p: 0 },
    { name: 'random_crop' },
    { name: 'gamma', range: [2, 2], p: 0.5 },
  ]

  it('shows all steps together as training does them, then each alone and always', () => {
    const rows = previewRows(ramp(6), steps, options)
    expect(rows.map(({ title }) => title)).toEqual([
      'all together',
      'horizontal_flip',
      'random_crop',
      'gamma',
    ])
    const training = new Augmenter(steps, options)
    rows[0].pictures.forEach((picture, draw) =>
      expect(picture).toEqual(training.apply(ramp(6), new Random(5, 0, draw))),
    )
    const mirrored = [1, 2, 3, 4].flatMap((row) =>
      [4, 3, 2, 1].map((column) => Math.fround((row * 6 + column) / 36)),
    )
    for (const picture of rows[1].pictures) expect([...picture]).toEqual(mirrored)
    expect(rows[2].pictures.every((picture) => picture.length === 16)).toBe(true)
    expect(rows[3].pictures[0][0]).toBeCloseTo((7 / 36) ** 2, 3)
    expect(rows[3].detail).toBe('range 2 to 2, p 0.5')
  })

  it('does not repeat a step that is the only one, and shows none where there are none', () => {
    expect(previewRows(ramp(4), [steps[0]], { ...options, size: 4 })).toHaveLength(1)
    expect(previewRows(ramp(4), [], { ...options, size: 4 })).toEqual([])
  })
})

describe('variedSamples', () => {
  it('puts those first that have a label which none before had', () => {
    const common = Array.from({ length: 50 }, () => ({ labels: [1, 0, 0] as const }))
    const rare = [
      { labels: [1, 1, 0] as const },
      { labels: [0, 0, 1] as const },
      { labels: [null, null, 0] as const },
    ]
    const order = variedSamples([...common, ...rare], new Random(1))
    expect(order).toHaveLength(53)
    const first = order.slice(0, 3).map(({ labels }) => labels.join())
    expect(first).toContain('0,0,1')
    expect(first).toContain('1,1,0')
  })
})

describe('pictureBytes', () => {
  it('puts the images of a sample side by side', () => {
    const grey = Float32Array.of(0, 1, 0.5, 0.25, 1, 1, 0, 0)
    expect([...pictureBytes(grey, 1, 2)]).toEqual([0, 255, 255, 255, 128, 64, 0, 0])
  })

  it('puts the channels of a pixel side by side', () => {
    const colour = Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    expect([...pictureBytes(colour, 3, 2)]).toEqual([255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0])
  })
})
