import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError, RecipeError } from '../errors.js'
import type { Dataset, LabelValue, Sample, Split } from './dataset.js'
import { Random, shuffled } from './random.js'
import { openDataset } from './sets/open.js'
import { readTable } from './sets/table.js'
import { readSplit, writeSplit } from './split-file.js'
import { countParts, meanShareDeviation } from './split-summary.js'
import {
  assertPatientDisjoint,
  assignFolds,
  defaultFractions,
  sharedPatients,
  splitDataset,
  splitOfFold,
  splits,
} from './split.js'

const sample = (image: string, patient: string | null, labels: LabelValue[], split?: Split): Sample => ({
  image,
  path: `/images/${image}`,
  patient,
  labels,
  metadata: { age: null, sex: null, view: null },
  ...(split && { split }),
})

const LABELS = ['A', 'B', 'C']

/** Up to 150 rows of up to 60 patients and some without; three labels, C rare. */
const datasets = fc
  .array(
    fc.record({
      patient: fc.option(fc.nat({ max: 59 }), { freq: 10 }),
      a: fc.boolean(),
      b: fc.option(fc.nat({ max: 4 }).map((value) => value === 0)),
      c: fc.nat({ max: 20 }).map((value) => value === 0),
    }),
    { minLength: 1, maxLength: 150 },
  )
  .map((rows) => ({
    labels: LABELS,
    samples: rows.map(({ patient, a, b, c }, index) =>
      sample(
        `${index}.png`,
        patient === null ? null : `p${patient}`,
        [a, b, c].map((value): LabelValue => (value === null ? null : value ? 1 : 0)),
      ),
    ),
  }))

/** Patients with a label; rows without a patient count as one each. */
const havers = (samples: readonly Sample[], label: number) =>
  new Set(
    samples
      .filter(({ labels }) => labels[label] === 1)
      .map(({ patient, image }) => patient ?? `row ${image}`),
  )

describe('splitDataset', () => {
  it('assigns every row, never divides a patient, and is decided by the seed', () => {
    fc.assert(
      fc.property(datasets, fc.integer(), (dataset, seed) => {
        const assignment = splitDataset(dataset, { seed })
        expect(assignment).toHaveLength(dataset.samples.length)
        expect(assignment.every((split) => splits.includes(split))).toBe(true)
        expect(sharedPatients(dataset.samples, assignment).size).toBe(0)
        expect(splitDataset(dataset, { seed })).toEqual(assignment)
      }),
    )
  })

  it('keeps the fractions, within the largest patients', () => {
    fc.assert(
      fc.property(datasets, fc.nat(), (dataset, seed) => {
        const { samples } = dataset
        const assignment = splitDataset(dataset, { seed })
        const sizes = new Map<string, number>()
        for (const { patient } of samples)
          if (patient !== null) sizes.set(patient, (sizes.get(patient) ?? 0) + 1)
        const largest = Math.max(1, ...sizes.values())
        for (const split of splits) {
          const rows = assignment.filter((value) => value === split).length
          // Two patients of rounding, and one a label moved for the sake of rare labels.
          const slack = (2 + LABELS.length * 2) * largest
          expect(Math.abs(rows - defaultFractions[split] * samples.length)).toBeLessThanOrEqual(slack)
        }
      }),
    )
  })

  it('has a label of three or more patients in train', () => {
    fc.assert(
      fc.property(datasets, fc.nat(), (dataset, seed) => {
        const assignment = splitDataset(dataset, { seed })
        const train = dataset.samples.filter((_, row) => assignment[row] === 'train')
        LABELS.forEach((_, label) => {
          if (havers(dataset.samples, label).size >= 3) expect(havers(train, label).size).toBeGreaterThan(0)
        })
      }),
    )
  })

  it('gives a label of three patients to each split', () => {
    const samples = Array.from({ length: 100 }, (_, row) =>
      sample(`${row}`, `p${row}`, [row < 3 ? 1 : 0, row % 2 ? 1 : 0]),
    )
    for (let seed = 0; seed < 20; seed++) {
      const assignment = splitDataset({ labels: ['rare', 'common'], samples }, { seed })
      expect(new Set(assignment.slice(0, 3)).size).toBe(3)
    }
  })

  it('gives a label of one patient to train, of two to train and test', () => {
    // 13 labels of one patient and 5 of two among 600: RFMiD's tail.
    const samples = Array.from({ length: 600 }, (_, row) => {
      const own = row < 23 ? (row < 13 ? row : 13 + ((row - 13) >> 1)) : -1
      return sample(`${row}`, null, [
        ...Array.from({ length: 18 }, (_, l): LabelValue => (l === own ? 1 : 0)),
        row % 2 ? 1 : 0,
      ])
    })
    const labels = Array.from({ length: 19 }, (_, label) => `label ${label}`)
    for (let seed = 0; seed < 10; seed++) {
      const assignment = splitDataset({ labels, samples }, { seed })
      expect(assignment.slice(0, 13).every((split) => split === 'train')).toBe(true)
      for (let row = 13; row < 23; row += 2)
        expect(assignment.slice(row, row + 2).sort()).toEqual(['test', 'train'])
    }
  })

  it('spreads labels by the fractions where patients are many', () => {
    const samples = Array.from({ length: 2000 }, (_, row) =>
      sample(`${row}`, `p${row >> 1}`, [row % 3 === 0 ? 1 : 0, row % 40 < 2 ? 1 : 0]),
    )
    const assignment = splitDataset({ labels: ['A', 'B'], samples }, { seed: 3 })
    const share = (split: Split, label: number) =>
      samples.filter(({ labels }, row) => labels[label] === 1 && assignment[row] === split).length /
      samples.filter(({ labels }) => labels[label] === 1).length
    for (const split of splits) {
      expect(share(split, 0)).toBeCloseTo(defaultFractions[split], 1.7)
      expect(share(split, 1)).toBeCloseTo(defaultFractions[split], 1.7)
    }
    expect(splitDataset({ labels: ['A', 'B'], samples }, { seed: 4 })).not.toEqual(assignment)
  })

  it('keeps given splits, and carves val from train by patient', () => {
    const samples = Array.from({ length: 300 }, (_, row) =>
      sample(
        `${row}`,
        `p${row / 3 < 80 ? Math.floor(row / 3) : row}`,
        [row % 7 === 0 ? 1 : 0],
        row < 240 ? 'train' : 'test',
      ),
    )
    const assignment = splitDataset({ labels: ['A'], samples })
    expect(assignment.slice(240).every((split) => split === 'test')).toBe(true)
    expect(assignment.slice(0, 240)).not.toContain('test')
    // 0.1 of 0.8, of 240 rows
    expect(Math.abs(assignment.filter((split) => split === 'val').length - 30)).toBeLessThanOrEqual(3)
    assertPatientDisjoint(samples, assignment)
  })

  it('takes all three given splits as they are; a row without one follows its patient, or trains', () => {
    const samples = [
      sample('1', 'a', [1], 'train'),
      sample('2', 'b', [1], 'val'),
      sample('3', 'c', [1], 'test'),
      sample('4', 'c', [1]),
      sample('5', 'd', [1]),
    ]
    expect(splitDataset({ labels: ['A'], samples })).toEqual(['train', 'val', 'test', 'test', 'train'])
  })

  it('leaves a split of fraction 0 empty', () => {
    const samples = Array.from({ length: 50 }, (_, row) => sample(`${row}`, null, [row % 2 ? 1 : 0]))
    const assignment = splitDataset(
      { labels: ['A'], samples },
      { fractions: { train: 0.8, val: 0.2, test: 0 } },
    )
    expect(assignment.filter((split) => split === 'val')).toHaveLength(10)
    expect(assignment).not.toContain('test')
  })

  it.each([
    { train: 0.7, val: 0.1, test: 0.1 },
    { train: 1.2, val: -0.1, test: -0.1 },
    { train: 0, val: 0.5, test: 0.5 },
    { train: NaN, val: 0.5, test: 0.5 },
  ])('refuses the fractions %j', (fractions) => {
    expect(() => splitDataset({ labels: [], samples: [] }, { fractions })).toThrow(RecipeError)
  })
})

describe('assignFolds', () => {
  it('puts every row into one fold, never divides a patient, and is decided by the seed', () => {
    fc.assert(
      fc.property(datasets, fc.integer(), fc.integer({ min: 2, max: 7 }), (dataset, seed, folds) => {
        const { samples } = dataset
        const patients = new Set(samples.map(({ patient }, row) => patient ?? row)).size
        fc.pre(patients >= folds)
        const assignment = assignFolds(dataset, { folds, seed })
        expect(assignment).toHaveLength(samples.length)
        const foldsOf = new Map<string | number, Set<number | null>>()
        samples.forEach(({ patient }, row) => {
          const who = patient ?? row
          foldsOf.set(who, (foldsOf.get(who) ?? new Set()).add(assignment[row] ?? null))
        })
        for (const found of foldsOf.values()) {
          expect(found.size).toBe(1)
          for (const fold of found) expect(fold).toSatisfy((n) => Number.isInteger(n) && n >= 1 && n <= folds)
        }
        expect(assignFolds(dataset, { folds, seed })).toEqual(assignment)
      }),
    )
  })

  it('has a label of at least as many patients as folds in every fold, and rarer ones in as many as they can be', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        (folds, havingLabel, images, seed) => {
          const labels = havingLabel.map((_, label) => `${label}`)
          const owners = [
            ...havingLabel.flatMap((count, label) => new Array<number>(count).fill(label)),
            ...new Array<number>(40).fill(-1),
          ]
          const samples = owners.flatMap((own, patient) =>
            Array.from({ length: images }, (_, i) =>
              sample(
                `${patient}-${i}`,
                `${patient}`,
                labels.map((_, label) => (label === own ? 1 : 0)),
              ),
            ),
          )
          const assignment = assignFolds({ labels, samples }, { folds, seed })
          havingLabel.forEach((count, label) => {
            const found = new Set(assignment.filter((_, row) => samples[row]?.labels[label] === 1))
            expect(found.size).toBe(Math.min(count, folds))
          })
          const sizes = Array.from(
            { length: folds },
            (_, fold) => assignment.filter((each) => each === fold + 1).length,
          )
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2 * images)
        },
      ),
    )
  })

  it('leaves a given test split out, with rows that follow their patient into it', () => {
    const samples = Array.from({ length: 60 }, (_, row) =>
      sample(
        `${row}`,
        `p${row >> 1}`,
        [row % 3 ? 0 : 1],
        row < 20 && row % 2 === 0 ? 'test' : row < 40 ? undefined : 'val',
      ),
    )
    const folds = assignFolds({ labels: ['A'], samples }, { folds: 4 })
    expect(folds.slice(0, 20).every((fold) => fold === null)).toBe(true)
    expect(folds.slice(20)).not.toContain(null)
    const split = splitOfFold(folds, 2)
    expect(split.filter((each) => each === 'test')).toHaveLength(20)
    expect(split.filter((each) => each === 'val')).toHaveLength(10)
    expect(split.map((each) => each === 'val')).toEqual(folds.map((fold) => fold === 2))
  })

  it('refuses more folds than patients, fewer than two and parts of one', () => {
    const samples = [sample('1', 'a', [1]), sample('2', 'a', [1]), sample('3', 'b', [1])]
    for (const folds of [3, 1, 2.5])
      expect(() => assignFolds({ labels: ['A'], samples }, { folds })).toThrow(/folds of 2 patients/)
  })
})

describe('splitOfFold', () => {
  it('tests and validates on every row once over all turns', () => {
    const folds = [1, 2, 3, 4, 4, 3, 2, 1]
    const turns = [1, 2, 3, 4].map((fold) => splitOfFold(folds, fold))
    folds.forEach((_, row) => {
      const parts = turns.map((turn) => turn[row])
      expect(parts.filter((split) => split === 'test')).toHaveLength(1)
      expect(parts.filter((split) => split === 'val')).toHaveLength(1)
    })
    expect(turns[3]).toEqual(['val', 'train', 'train', 'test', 'test', 'train', 'train', 'val'])
  })

  it('refuses a fold that is not there, and two folds without a test split', () => {
    for (const fold of [0, 4, 1.5]) expect(() => splitOfFold([1, 2, 3], fold)).toThrow(/from 1 to 3/)
    expect(() => splitOfFold([1, 2], 1)).toThrow(/expected 3 or more/)
    expect(splitOfFold([1, 2, null], 1)).toEqual(['val', 'train', 'test'])
  })
})

describe('meanShareDeviation', () => {
  it('is the mean over labels and parts, by hand', () => {
    // Two parts of two images: label A has both positives in the first, B one in each, C none.
    const samples = [
      sample('1', null, [1, 1, 0]),
      sample('2', 'a', [1, 0, 0]),
      sample('3', null, [0, 1, 0]),
      sample('4', 'a', [0, null, 0]),
    ]
    const { parts, whole } = countParts(
      { labels: ['A', 'B', 'C'], samples },
      ['x', 'x', 'y', 'y'],
      ['x', 'y'],
    )
    expect(whole).toEqual({ images: 4, patients: 3, positives: [2, 2, 0], patientsWith: [2, 2, 0] })
    expect(parts.y).toEqual({ images: 2, patients: 2, positives: [0, 1, 0], patientsWith: [0, 1, 0] })
    expect(meanShareDeviation([parts.x, parts.y], whole)).toBeCloseTo((0.5 + 0.5 + 0 + 0) / 4, 12)
  })
})

describe('assertPatientDisjoint', () => {
  const samples = ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd', 'e', null, null].map((patient, row) =>
    sample(`${row}`, patient, []),
  )
  const leaking: Split[] = [
    'train',
    'test',
    'val',
    'test',
    'train',
    'val',
    'train',
    'test',
    'train',
    'train',
    'test',
  ]

  it('says how many patients, names three of them, and what to do', () => {
    let thrown: unknown
    try {
      assertPatientDisjoint(samples, leaking)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(DataError)
    expect((thrown as Error).message).toMatch(
      /^4 patients have .* a \(train and test\), b \(val and test\), c \(train and val\): .*--allow-leakage/,
    )
    expect((thrown as Error).message).not.toContain(', d (')
  })

  it('lets leakage pass when told to', () => {
    expect(() => assertPatientDisjoint(samples, leaking, true)).not.toThrow()
    expect(() =>
      assertPatientDisjoint(
        samples,
        samples.map(() => 'train' as const),
      ),
    ).not.toThrow()
  })
})

describe('split.csv', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plurad-split-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const dataset = {
    labels: ['Mass', 'Rare, odd'],
    samples: [sample('a, "b".png', 'p1', [1, null]), sample('c.png', null, [0, 1])],
  }

  it('is written as documented and read back', async () => {
    const path = join(folder, 'split.csv')
    await writeSplit(path, dataset, ['val', 'train'])
    expect(await readFile(path, 'utf8')).toBe(
      'image,patient,split,Mass,"Rare, odd"\n"a, ""b"".png",p1,val,1,\nc.png,,train,0,1\n',
    )
    expect(await readSplit(path, dataset)).toEqual(['val', 'train'])
    expect(await readSplit(path, { samples: [dataset.samples[1]] })).toEqual(['train'])
  })

  it('refuses a file of another data set and unknown splits', async () => {
    const path = join(folder, 'other.csv')
    await writeFile(path, 'image,split\nc.png,train\n')
    await expect(readSplit(path, dataset)).rejects.toThrow(/1 of the data set's 2 images are not in it/)
    await writeFile(path, 'image,split\nc.png,Train\n')
    await expect(readSplit(path, dataset)).rejects.toThrow(
      /row 2, column "split": "Train". Expected train, val or test/,
    )
  })
})

const shared =
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const nih1000 = join(shared, 'nih1000-64px')
const rfmid = join(shared, 'rfmid-64px')
const note = (folder: string) => (existsSync(folder) ? '' : ' (not there: set PLURAD_DATA)')

/** Patients drawn by lot until a split is full: what a split is without stratification. */
function randomSplit(samples: readonly Sample[], seed: number): Split[] {
  const ids = samples.map(({ patient }, row) => patient ?? `row ${row}`)
  const order = shuffled([...new Set(ids)], new Random(seed))
  const size = new Map<string, number>()
  for (const id of ids) size.set(id, (size.get(id) ?? 0) + 1)
  const split = new Map<string, Split>()
  let done = 0
  for (const id of order) {
    const share = done / samples.length
    split.set(id, share < 0.7 ? 'train' : share < 0.8 ? 'val' : 'test')
    done += size.get(id) ?? 0
  }
  return ids.map((id) => split.get(id) as Split)
}

function deviation(dataset: Pick<Dataset, 'labels' | 'samples'>, assignment: readonly Split[]): number {
  const { parts, whole } = countParts(dataset, assignment, splits)
  return meanShareDeviation(Object.values(parts), whole)
}

describe.skipIf(!existsSync(nih1000))(`1,000 real radiographs${note(nih1000)}`, () => {
  it('are split by patient, every label in every split', async () => {
    const dataset = await openDataset(nih1000)
    for (const seed of [0, 1, 2]) {
      const assignment = splitDataset(dataset, { seed })
      assertPatientDisjoint(dataset.samples, assignment)
      for (const split of splits) {
        const rows = dataset.samples.filter((_, row) => assignment[row] === split)
        expect(Math.abs(rows.length - 1000 * defaultFractions[split])).toBeLessThan(15)
        for (let label = 0; label < 14; label++) {
          const few = havers(dataset.samples, label).size < 3
          if (split !== 'val' || !few) expect(havers(rows, label).size).toBeGreaterThan(0)
        }
      }
    }
  })

  it('are spread better than by lot', async () => {
    const dataset = await openDataset(nih1000)
    const mean = (of: (seed: number) => Split[]) =>
      [0, 1, 2, 3, 4].reduce((sum, seed) => sum + deviation(dataset, of(seed)) / 5, 0)
    const ours = mean((seed) => splitDataset(dataset, { seed }))
    const byLot = mean((seed) => randomSplit(dataset.samples, seed))
    expect(ours).toBeLessThan(byLot / 2)
  })

  it.each([3, 5, 10])('have every label of as many patients in each of %i folds', async (count) => {
    const dataset = await openDataset(nih1000)
    const folds = assignFolds(dataset, { folds: count })
    for (let label = 0; label < 14; label++) {
      if (havers(dataset.samples, label).size < count) continue
      const found = new Set(folds.filter((_, row) => dataset.samples[row]?.labels[label] === 1))
      expect(found.size, dataset.labels[label]).toBe(count)
    }
  })
})

describe.skipIf(!existsSync(rfmid))(`1,540 real fundus images with 45 labels${note(rfmid)}`, () => {
  /** The tables alone, without their own splits. */
  async function fundus(): Promise<Pick<Dataset, 'labels' | 'samples'>> {
    const tables = await Promise.all(splits.map((split) => readTable(join(rfmid, `${split}_labels.csv`))))
    const labels = tables[0]?.columns.slice(2) ?? []
    const samples = tables.flatMap((table, part) =>
      table.rows.map(([id, , ...values]) =>
        sample(
          `${splits[part]}/${id}`,
          null,
          values.map((value) => (value === '1' ? 1 : 0)),
        ),
      ),
    )
    return { labels, samples }
  }

  it('keep the 13 labels of one image in train, the fractions, and other labels in all splits', async () => {
    const dataset = await fundus()
    const assignment = splitDataset(dataset)
    const { parts, whole } = countParts(dataset, assignment, splits)
    expect(whole.positives.filter((count) => count === 1)).toHaveLength(13)
    whole.positives.forEach((count, label) => {
      if (count === 1) expect(parts.train.positives[label]).toBe(1)
      if (count === 2) expect(parts.test.positives[label]).toBe(1)
      if (count >= 3) for (const split of splits) expect(parts[split].positives[label]).toBeGreaterThan(0)
    })
    for (const split of splits)
      expect(Math.abs(parts[split].images - 1540 * defaultFractions[split])).toBeLessThan(0.005 * 1540)
  })

  it.each([2, 5, 10])('fold into %i without losing a label that can be in each', async (count) => {
    const dataset = await fundus()
    const folds = assignFolds(dataset, { folds: count })
    dataset.labels.forEach((_, label) => {
      const having = dataset.samples.flatMap(({ labels }, row) => (labels[label] === 1 ? [folds[row]] : []))
      expect(new Set(having).size).toBe(Math.min(count, having.length))
    })
  })
})
