import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError, RecipeError } from '../errors.js'
import type { LabelValue, Sample, Split } from './dataset.js'
import { openDataset } from './sets/open.js'
import { readSplit, writeSplit } from './split-file.js'
import { assertPatientDisjoint, defaultFractions, sharedPatients, splitDataset, splits } from './split.js'

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
    expect((thrown as Error).message).not.toContain('d (')
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

const real = join(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url)),
  'nih1000-64px',
)
const present = existsSync(real)

describe.skipIf(!present)(`1,000 real radiographs${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  it('are split by patient, every label in every split', async () => {
    const dataset = await openDataset(real)
    for (const seed of [0, 1, 2]) {
      const assignment = splitDataset(dataset, { seed })
      assertPatientDisjoint(dataset.samples, assignment)
      for (const split of splits) {
        const rows = dataset.samples.filter((_, row) => assignment[row] === split)
        expect(Math.abs(rows.length - 1000 * defaultFractions[split])).toBeLessThan(15)
        if (split !== 'val')
          for (let label = 0; label < 14; label++) expect(havers(rows, label).size).toBeGreaterThan(0)
      }
    }
  })
})
