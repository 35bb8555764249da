import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LabelValue, Sample } from '../../data/dataset.js'
import { countParts } from '../../data/split-summary.js'
import { assignFolds, splitDataset, splits } from '../../data/split.js'
import { UsageError } from '../../errors.js'
import { splitReport } from './split-report.js'
import { register } from './split.js'

describe('splitReport', () => {
  const labels = Array.from({ length: 45 }, (_, i) =>
    i === 0
      ? 'Proliferative diabetic retinopathy with vitreous haemorrhage and tractional detachment'
      : `label ${i}`,
  )
  const samples = Array.from({ length: 3000 }, (_, row): Sample => ({
    image: `${row}.png`,
    path: '',
    patient: `p${row >> 1}`,
    labels: labels.map((_, label): LabelValue => (row % (label + 2) === 0 ? 1 : 0)),
    metadata: { age: null, sex: null, view: null },
  }))
  const dataset = { name: 'fundus', labels, samples, skipped: [] }
  const ending = { written: [], next: null, unknown: 0, kept: [] }
  const width = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

  it('holds every label and stays within 100 columns', () => {
    const counted = countParts(dataset, splitDataset(dataset), splits)
    const text = splitReport(dataset, splits, counted, ending)
    expect(width(text)).toBeLessThanOrEqual(100)
    for (const label of labels.slice(1)) expect(text).toContain(`\n${label} `)
    const { parts, whole } = counted
    const cell = (of: typeof whole) => `${of.positives[9]} \\(${of.patientsWith[9]}\\)`
    expect(text).toMatch(
      new RegExp(
        `\nlabel 9 +${cell(whole)} +${cell(parts.train)} +${cell(parts.val)} +${cell(parts.test)}\n`,
      ),
    )
  })

  it.each([5, 10, 40])('shows %i folds within 100 columns', (count) => {
    const folds = assignFolds(dataset, { folds: count }).map(String)
    const parts = Array.from({ length: count }, (_, i) => String(i + 1))
    const text = splitReport(dataset, parts, countParts(dataset, folds, parts), ending)
    expect(width(text)).toBeLessThanOrEqual(100)
    for (const label of labels.slice(1)) expect(text).toContain(`\n${label} `)
    expect(text).toContain(count > 5 ? 'fewest in a fold' : 'fold 5')
  })
})

describe('data split', () => {
  let folder: string
  let printed: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plurad-data-split-'))
    printed = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text)
      return true
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true, force: true })
  })

  /** 60 images of 30 patients. */
  function table(name = 'images.csv', split?: (row: number) => string): string {
    const file = join(folder, name)
    const rows = Array.from({ length: 60 }, (_, row) => {
      writeFileSync(join(folder, `${row}.png`), '')
      return [
        `${row}.png`,
        `p${row >> 1}`,
        row % 4 === 0 ? 1 : 0,
        row % 7 === 0 ? 1 : 0,
        ...(split ? [split(row)] : []),
      ]
    })
    writeFileSync(
      file,
      [['image', 'patient', 'A', 'B', ...(split ? ['split'] : [])], ...rows]
        .map((row) => row.join())
        .join('\n'),
    )
    return file
  }

  const run = (...args: string[]) => {
    const program = new Command()
    register(program.command('data'))
    return program.parseAsync(['data', 'split', ...args], { from: 'user' })
  }
  const at = (name: string) => join(folder, name)
  const splitsIn = (file: string) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[2])

  it('writes a table and lists, and says what they hold', async () => {
    const data = table()
    await run(
      data,
      '--out',
      at('split.csv'),
      '--lists',
      at('lists'),
      '--fractions',
      '0.6,0.2,0.2',
      '--seed',
      '4',
    )
    expect(printed).toMatch(
      /60 images, 30 patients, 2 labels[^]*train +36 +18 +60\.0 %[^]*Next +plurad train RECIPE/,
    )
    const split = splitsIn(at('split.csv'))
    expect(split.filter((each) => each === 'val')).toHaveLength(12)
    for (const name of splits)
      expect(
        readFileSync(at(`lists/${name}.txt`), 'utf8')
          .trim()
          .split('\n'),
      ).toEqual(split.flatMap((each, row) => (each === name ? [`${row}.png`] : [])))
    await run(data, '--split-file', at('lists'), '--out', at('again.csv'))
    expect(splitsIn(at('again.csv'))).toEqual(split)
  })

  it('does not replace a saved split unless told to', async () => {
    const data = table()
    await run(data, '--out', at('split.csv'))
    const before = readFileSync(at('split.csv'), 'utf8')
    await expect(run(data, '--out', at('split.csv'), '--seed', '1')).rejects.toThrow(
      /is there already.*--force/,
    )
    expect(readFileSync(at('split.csv'), 'utf8')).toBe(before)
    await run(data, '--out', at('split.csv'), '--seed', '1', '--force')
    expect(readFileSync(at('split.csv'), 'utf8')).not.toBe(before)
  })

  it('counts as JSON', async () => {
    await run(table(), '--folds', '3', '--json')
    const outcome = JSON.parse(printed) as {
      parts: Record<string, { images: number; positives: { A: number } }>
    }
    expect(Object.keys(outcome.parts)).toEqual(['1', '2', '3'])
    expect(Object.values(outcome.parts).map(({ images }) => images)).toEqual([20, 20, 20])
    expect(Object.values(outcome.parts).reduce((sum, { positives }) => sum + positives.A, 0)).toBe(15)
  })

  it('keeps the split of the data set, in folds too', async () => {
    const data = table('own.csv', (row) => (row < 12 ? 'test' : 'train'))
    await run(data, '--out', at('split.csv'))
    expect(
      splitsIn(at('split.csv'))
        .slice(0, 12)
        .every((each) => each === 'test'),
    ).toBe(true)
    expect(splitsIn(at('split.csv')).slice(12)).toContain('val')
    expect(printed).toContain("The data set's own test kept as given")
    await run(data, '--ignore-given', '--out', at('new.csv'))
    expect(splitsIn(at('new.csv')).slice(0, 12)).toContain('train')
    await run(data, '--folds', '4', '--out', at('folds.csv'))
    const folds = splitsIn(at('folds.csv'))
    expect(folds.map((each) => each === 'test')).toEqual(folds.map((_, row) => row < 12))
  })

  it('refuses shared patients, and lets them pass loudly', async () => {
    const data = table('leak.csv', (row) => (row % 2 === 0 ? 'train' : row % 4 === 1 ? 'val' : 'test'))
    await expect(run(data)).rejects.toThrow(/30 patients have images in more than one split/)
    let said = ''
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said += String(text)
      return true
    })
    await run(data, '--allow-leakage', '--out', at('split.csv'))
    expect(said).toMatch(/^WARNING {5}30 patients are in more than one split/)
  })

  it.each([
    [['--folds', '1'], /--folds 1: expected a whole number from 2 on/],
    [['--seed', '-1'], /--seed -1: expected/],
    [['--fractions', '0.5,0.5'], /--fractions 0.5,0.5: expected train,val,test/],
    [['--fractions', '0.5,0.5,0.5'], /sum to 1/],
    [['--folds', '3', '--lists', 'x'], /--folds and --lists exclude each other/],
    [['--folds', '3', '--split-file', 'x'], /--folds and --split-file exclude each other/],
  ])('refuses %j', async (args, message) => {
    await expect(run(table(), ...args)).rejects.toThrow(message)
    await expect(run(table(), ...args)).rejects.toThrow(UsageError)
  })
})
