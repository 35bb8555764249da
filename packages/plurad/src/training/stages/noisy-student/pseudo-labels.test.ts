import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { TrainingSample } from '../../job.js'
import { fillUnknown, pseudoLabelOptions, type PseudoLabels } from './pseudo-labels.js'

const settings = z.strictObject(pseudoLabelOptions)

function sample(labels: readonly (number | null)[], at = 0): TrainingSample {
  return {
    image: `${at}`,
    path: `/${at}`,
    patient: null,
    labels,
    metadata: { age: null, sex: null, view: null },
  }
}

const fill = (
  rows: readonly (readonly (number | null)[])[],
  scores: readonly (readonly number[] | null)[],
  options: object,
): PseudoLabels => fillUnknown(rows.map(sample), scores, settings.parse(options))

const labelsOf = ({ samples }: PseudoLabels): unknown => samples.map(({ labels }) => labels)

describe('pseudo-labels', () => {
  const rows = [
    [1, null],
    [null, 0],
    [null, null],
    [null, null],
  ]
  const scores = [[0.1, 0.9], [0.6, 0.8], [0.2, 0.45], null]

  it('are the probabilities of what is unknown, by default all of them', () => {
    const filled = fill(rows, scores, {})
    expect(labelsOf(filled)).toEqual([
      [1, 0.9],
      [0.6, 0],
      [0.2, 0.45],
      [null, null],
    ])
    expect(filled).toMatchObject({ unknown: 6, present: 2, absent: 2 })
  })

  it('are 0 or 1 where they are hard, and stay unknown between the two confidences', () => {
    const filled = fill(rows, scores, { targets: 'hard', confidence: { low: 0.3, high: 0.7 } })
    expect(labelsOf(filled)).toEqual([
      [1, 1],
      [null, 0],
      [0, null],
      [null, null],
    ])
    expect(filled).toMatchObject({ unknown: 6, present: 1, absent: 1 })
  })

  it('count a probability on a single threshold as present', () => {
    expect(labelsOf(fill([[null]], [[0.5]], { targets: 'hard' }))).toEqual([[1]])
  })

  it('are no more often present than known labels are, the surest first, where they are balanced', () => {
    // One of four known labels is present: of eight unknown ones at most two.
    const known = [[1], [0], [0], [0]]
    const open = Array.from({ length: 8 }, () => [null])
    const high = [0.6, 0.9, 0.7, 0.8, 0.1, 0.1, 0.1, 0.1].map((score) => [score])
    const filled = fill([...known, ...open], [...known, ...high] as number[][], { balance: 'prevalence' })
    expect(labelsOf(filled)).toEqual([
      ...known,
      ...[null, 0.9, null, 0.8, 0.1, 0.1, 0.1, 0.1].map((value) => [value]),
    ])
    expect(filled).toMatchObject({ unknown: 8, present: 2, absent: 4 })
  })

  it('never change what is known, and never leave [0, 1]', () => {
    const value = fc.constantFrom<(number | null)[]>(0, 1, null)
    const rowsOf = fc.array(
      fc.tuple(
        fc.tuple(value, value),
        fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      ),
      { minLength: 1, maxLength: 20 },
    )
    const options = fc.record({
      targets: fc.constantFrom('soft', 'hard'),
      balance: fc.constantFrom('none', 'prevalence'),
      confidence: fc.constantFrom({ low: 0.5, high: 0.5 }, { low: 0.2, high: 0.9 }, { low: 0, high: 1 }),
    })
    fc.assert(
      fc.property(rowsOf, options, (pairs, chosen) => {
        const given = pairs.map(([labels]) => labels)
        const filled = fill(
          given,
          pairs.map(([, score]) => score),
          chosen,
        )
        filled.samples.forEach(({ labels }, row) =>
          labels.forEach((label, column) => {
            const before = given[row][column]
            if (before !== null) expect(label).toBe(before)
            else if (label !== null) expect(label >= 0 && label <= 1).toBe(true)
          }),
        )
        const left = filled.samples.flatMap(({ labels }) => labels).filter((label) => label === null).length
        expect(filled.unknown - filled.present - filled.absent).toBe(left)
      }),
    )
  })

  it('refuse confidences the wrong way round', () => {
    expect(settings.safeParse({ confidence: { low: 0.8, high: 0.2 } }).success).toBe(false)
  })
})
