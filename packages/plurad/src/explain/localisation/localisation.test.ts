import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { patientClusters } from '../../metrics/intervals/index.js'
import type { Heatmap } from '../heatmap.js'
import { Placement, type Rectangle } from '../placement.js'
import { boxesByLabel, readBoxes } from './boxes.js'
import { measure } from './measures.js'
import { clusteredBootstrap, clusteredWilson } from './proportion.js'
import { summarise } from './summary.js'

const folder = mkdtempSync(join(tmpdir(), 'plurad-boxes-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('measures', () => {
  const placement = new Placement(8, 8, { size: 8, resize: 'crop', resize_to: null })
  const map = (entries: readonly [row: number, column: number, value: number][]): Heatmap => {
    const values = new Float32Array(64)
    for (const [row, column, value] of entries) values[row * 8 + column] = value
    return { shape: [8, 8], values }
  }

  test('by hand', () => {
    const evidence = map([
      [1, 1, 4],
      [1, 2, 2],
      [5, 5, 1],
      [6, 6, 3],
    ])
    const found = measure(evidence, [{ x: 1, y: 1, width: 2, height: 2 }], placement)
    // Inside: 4 and 2 of 10. At least half of 4: (1,1), (1,2), (6,6): two of them inside four pixels.
    expect(found).toMatchObject({ hit: true, chance: 4 / 64, iou: [2 / 6, 2 / 5, 1 / 5] })
    expect(found?.energy).toBeCloseTo(0.6, 12)
    const elsewhere = measure(evidence, [{ x: 5, y: 5, width: 2, height: 2 }], placement)
    expect(elsewhere).toMatchObject({ hit: false })
    expect(elsewhere?.energy).toBeCloseTo(0.4, 12)
    // Two boxes count as one region, also where they overlap.
    const both = [
      { x: 1, y: 1, width: 2, height: 2 },
      { x: 2, y: 1, width: 2, height: 2 },
    ]
    expect(measure(evidence, both, placement)).toMatchObject({ chance: 6 / 64 })
  })

  test('nothing for the label is a miss, and a box that was cut away is none', () => {
    expect(measure(map([]), [{ x: 0, y: 0, width: 8, height: 8 }], placement)).toMatchObject({
      hit: false,
      energy: 0,
      iou: [0, 0, 0],
      chance: 1,
    })
    const wide = new Placement(16, 8, { size: 8, resize: 'crop', resize_to: null })
    expect(measure(map([[0, 0, 1]]), [{ x: 0, y: 0, width: 4, height: 8 }], wide)).toBeNull()
    // Half of this one is left, at the left edge of the square.
    expect(measure(map([[0, 1, 1]]), [{ x: 2, y: 0, width: 4, height: 8 }], wide)).toMatchObject({
      hit: true,
      energy: 1,
      chance: 2 / 8,
    })
  })

  test('of a coarse map the middle of the position counts, not its flat corner', () => {
    const coarse: Heatmap = { shape: [2, 2], values: Float32Array.of(1, 0, 0, 0) }
    expect(measure(coarse, [{ x: 0, y: 0, width: 1, height: 1 }], placement)?.hit).toBe(false)
    expect(measure(coarse, [{ x: 1.5, y: 1.5, width: 1, height: 1 }], placement)?.hit).toBe(true)
  })

  test('a mirrored map with mirrored boxes measures the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 64, maxLength: 64 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        (numbers, x, y) => {
          const evidence: Heatmap = {
            shape: [8, 8],
            values: Float32Array.from(numbers, (v, i) => v + i * 1e-6),
          }
          const values = evidence.values.map((_, at) => evidence.values[at - (at % 8) + 7 - (at % 8)])
          const box: Rectangle = { x, y, width: 3, height: 2 }
          const one = measure(evidence, [box], placement)
          const other = measure({ shape: [8, 8], values }, [{ ...box, x: 8 - x - 3 }], placement)
          expect(other?.hit).toBe(one?.hit)
          expect(other?.energy).toBeCloseTo(one?.energy ?? NaN, 5)
          expect(other?.iou).toEqual(one?.iou)
        },
      ),
    )
  })
})

describe('intervals', () => {
  const apart = (count: number) => patientClusters(Array.from({ length: count }, (_, i) => String(i)))

  test('of independent images is the score interval', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263: 0.2553 to 0.3662; 15 of 148: 0.0624 to 0.1605.
    for (const [hits, n, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
    ]) {
      const interval = clusteredWilson(
        Array.from({ length: n }, (_, i) => i < hits),
        apart(n),
      )
      expect(interval[0]).toBeCloseTo(low, 3)
      expect(interval[1]).toBeCloseTo(high, 3)
    }
  })

  test('images that are all alike within a patient count as one', () => {
    const patients = Array.from({ length: 20 }, (_, i) => String(i))
    const hits = patients.map((_, i) => i < 8)
    const one = clusteredWilson(hits, patientClusters(patients))
    const five = clusteredWilson(
      hits.flatMap((hit) => new Array<boolean>(5).fill(hit)),
      patientClusters(patients.flatMap((patient) => new Array<string>(5).fill(patient))),
    )
    // But for the factor n / (n - 1) of the variance between patients.
    expect(five[0]).toBeCloseTo(one[0], 1)
    expect(five[1] - five[0]).toBeGreaterThan(0.99 * (one[1] - one[0]))
    const bootstrap = clusteredBootstrap(hits.map(Number), patientClusters(patients))
    // The binomial's own quantiles of 20 draws at 0.4: 4 and 12.
    expect(bootstrap[0]).toBeCloseTo(0.2, 1)
    expect(bootstrap[1]).toBeCloseTo(0.6, 1)
  })
})

test('the fixed point is the one in the boxes of the most images', () => {
  const at = (patient: string, ...places: number[]) => {
    const inside = new Uint8Array(16)
    for (const place of places) inside[place] = 1
    return { patient, hit: true, energy: 0.5, chance: places.length / 16, iou: [1, 0.5, 0], inside }
  }
  // Place 5 is in three of four boxes.
  const summary = summarise('Mass', [at('a', 5), at('b', 5, 6), at('c', 5), at('d', 0)])
  expect(summary).toMatchObject({ images: 4, patients: 4, fixed_point: 3 / 4, chance: 5 / 64 })
  expect(summary.pointing.value).toBe(1)
  expect(summary.iou.map(({ value }) => value)).toEqual([1, 0.5, 0])
})

describe('tables of boxes', () => {
  const write = (text: string): string => {
    const file = join(folder, `${Math.random()}.csv`)
    writeFileSync(file, text)
    return file
  }

  test("NIH's, plain ones and two corners", async () => {
    const nih = 'Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Infiltrate,1.5,2,3,4,,\n'
    const plain = 'image,label,x,y,width,height\na.png,Infiltration,1.5,2,3,4\n'
    const corners =
      'image_id,class_name,x_min,y_min,x_max,y_max\na,Infiltration,1.5,2,4.5,6\nb,No finding,,,,\n'
    for (const text of [nih, plain, corners]) {
      const rows = await readBoxes(write(text))
      expect(rows).toHaveLength(1)
      expect(rows[0].box).toEqual({ x: 1.5, y: 2, width: 3, height: 4 })
      expect([...boxesByLabel(rows, ['Mass', 'Infiltration']).keys()]).toEqual([1])
    }
  })

  test('what is wrong is named with its row', async () => {
    await expect(readBoxes(write('image,label\na,b\n'))).rejects.toThrow(/no table of boxes/)
    await expect(readBoxes(write('image,label,x,y,w,h\na,b,1,2,3,4\na,b,1,2,x,4\n'))).rejects.toThrow(
      /row 3, column "w": "x": expected a number/,
    )
    await expect(readBoxes(write('image,label,x,y,w,h\na,b,1,2,0,4\n'))).rejects.toThrow(
      /row 2: a box of 0 x 4/,
    )
  })
})
