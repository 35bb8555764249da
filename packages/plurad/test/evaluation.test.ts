/** Judging, comparing and joining predictions that were made before: no engine, no images. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../src/data/random.js'
import type {
  Comparison,
  Interval,
  MeasuredMetrics,
  MetricsIntervals,
  SeedSummary,
} from '../src/metrics/index.js'
import { holm } from '../src/metrics/intervals/holm.js'
import { readPredictions, writePredictions, type Predictions } from '../src/metrics/predictions.js'
import { fail, succeed } from './cli.js'

const LABELS = ['Effusion', 'A finding with a name longer than any column', 'Hernia']
const NPZ = fileURLToPath(new URL('fixtures/metrics/predictions.npz', import.meta.url))

let folder: string
const at = (...names: string[]): string => join(folder, ...names)

/** 150 images of 60 patients; `strength` is how well findings are told. */
function drawn(seed: number, strength: number, images = 150): Predictions {
  const [truths, noise] = [new Random(1, images), new Random(2, seed)]
  const truth = Float64Array.from({ length: images * 3 }, (_, i) =>
    i % 50 === 49 ? NaN : Number(truths.chance([0.4, 0.3, 0.15][i % 3])),
  )
  return {
    labels: LABELS,
    images: Array.from({ length: images }, (_, row) => `${row}.png`),
    patients: Array.from({ length: images }, (_, row) => (row < 20 ? null : `p${row % 60}`)),
    scores: truth.map((present) => 1 / (1 + Math.exp(1 - strength * (present || 0) - noise.normal()))),
    truth,
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-evaluation-'))
  for (const [name, strength] of [
    ['weak', 0.3],
    ['strong', 2.5],
    ['middle', 1.2],
  ] as const) {
    mkdirSync(at(name, 'predictions'), { recursive: true })
    await writePredictions(at(name, 'predictions', 'test.csv'), drawn(strength * 10, strength))
    await writePredictions(at(name, 'predictions', 'val.csv'), drawn(strength * 10 + 1, strength, 120))
  }
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))

describe('evaluate --predictions', () => {
  const test = (): string => at('middle', 'predictions', 'test.csv')
  const val = (): string => at('middle', 'predictions', 'val.csv')

  it('prints intervals within 100 columns and writes them', async () => {
    const { stdout, stderr } = await succeed([
      ...['evaluate', '--predictions', test(), '--bootstrap', '200', '--operating-point', '0.5'],
      ...['--interval', 'bca', '--out', at('judged')],
    ])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/Effusion +\d+ {2}0\.\d{3} \(0\.\d{3}-0\.\d{3}\)/)
    expect(stdout).toContain('95 %, bca, 200 samples of patients')
    expect(widest(stdout)).toBeLessThanOrEqual(100)
    const metrics = JSON.parse(readFileSync(at('judged', 'metrics.json'), 'utf8')) as MeasuredMetrics & {
      intervals: MetricsIntervals
    }
    const [low, high] = metrics.intervals.means['macro']['auc'] as Interval
    expect(low < (metrics.macro.auc ?? NaN) && (metrics.macro.auc ?? NaN) < high).toBe(true)
    expect(metrics.labels.map(({ threshold }) => threshold)).toEqual([0.5, 0.5, 0.5])
    expect(await readPredictions(at('judged', 'predictions.csv'))).toEqual(await readPredictions(test()))
  })

  it('tunes on validation predictions, and only on them', async () => {
    const { stdout } = await succeed([
      ...['evaluate', '--predictions', test(), '--validation', val()],
      ...['--operating-point', 'sensitivity=0.9', '--calibrate', 'platt', '--json'],
    ])
    const metrics = JSON.parse(stdout) as MeasuredMetrics & {
      calibration: { before: { brier: number }; parameters: unknown[]; reliability: unknown[] }
    }
    expect(metrics.macro.brier).toBeLessThan(metrics.calibration.before.brier)
    expect(metrics.calibration.parameters).toHaveLength(3)
    expect(metrics.labels.every(({ recall }) => (recall ?? 0) > 0.75)).toBe(true)
    const args = ['evaluate', '--predictions', test(), '--operating-point', 'youden']
    expect(await fail(args, { code: 2 })).toContain('needs --validation')
    const same = [...args, '--validation', test()]
    expect(await fail(same, { code: 2 })).toContain('tuned on images that it is judged on')
  })

  it('reads logits that another program saved as NPZ', async () => {
    const { stdout } = await succeed(['evaluate', '--predictions', NPZ, '--json'])
    const { images, labels } = JSON.parse(stdout) as MeasuredMetrics
    // As make_predictions_npz.py has it from scikit-learn.
    expect({ images, labels: labels.map(({ label }) => label) }).toEqual({
      images: 40,
      labels: ['Mass', 'Edema'],
    })
    expect(labels[0].auc).toBeCloseTo(0.7904040404040404, 12)
    expect(labels[1].brier).toBeCloseTo(0.15588556459486003, 12)
    expect(labels[1].unknown).toBe(2)
    expect(await fail(['evaluate', '--predictions', NPZ, '--labels', 'A'])).toContain('found 1 label names')
  })

  it.each([[['--bootstrap', '0']], [['--calibrate', 'magic']], [['--data', 'x']]])(
    'refuses %j',
    async (flags) => {
      await fail(['evaluate', '--predictions', test(), ...flags], { code: 2 })
    },
  )

  it('wants a model or predictions', async () => {
    expect(await fail(['evaluate'], { code: 2 })).toContain('name a model')
    expect(await fail(['evaluate', '--predictions', at('none.csv')])).toContain('none.csv')
  })
})

describe('evaluate --by', () => {
  it('judges the groups of a table, and says what it does not know', async () => {
    const test = at('strong', 'predictions', 'test.csv')
    const rows = Array.from(
      { length: 150 },
      (_, row) => `${row}.png,${row % 4 === 0 ? 'GE' : 'Siemens'},${row}`,
    )
    writeFileSync(at('devices.csv'), ['name,device,dose', ...rows].join('\n'))
    const args = ['evaluate', '--predictions', test, '--metadata', at('devices.csv'), '--bootstrap', '30']
    const { stdout } = await succeed([...args, '--by', 'device,dose'])
    expect(stdout).toMatch(/Siemens +112 +\d+ +0\.\d{3} \(/)
    expect(stdout).toContain('! fewer than 50 images: GE.')
    expect(widest(stdout)).toBeLessThanOrEqual(100)
    expect(await fail([...args, '--by', 'sex'], { code: 2 })).toContain('expected device, dose')
    const without = ['evaluate', '--predictions', test, '--by', 'sex']
    expect(await fail(without, { code: 2 })).toContain('--metadata')
  })
})

describe('evaluate --seeds', () => {
  it('summarises runs of one method', async () => {
    const runs = [at('weak'), at('middle'), at('strong')]
    const { stdout } = await succeed(['evaluate', ...runs, '--seeds', '--json'])
    const { macro } = JSON.parse(stdout) as { macro: Record<string, SeedSummary> }
    const each = await Promise.all(
      runs.map(async (run) => {
        const found = await succeed(['evaluate', '--predictions', run, '--json'])
        return (JSON.parse(found.stdout) as MeasuredMetrics).macro.auc ?? NaN
      }),
    )
    const mean = (each[0] + each[1] + each[2]) / 3
    expect(macro['auc'].mean).toBeCloseTo(mean, 12)
    expect(macro['auc'].deviation).toBeCloseTo(
      Math.sqrt(each.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2),
      12,
    )
    await fail(['evaluate', at('weak'), '--seeds'], { code: 2 })
  })
})

describe('compare', () => {
  it('tells models apart, corrected for the number of tests', async () => {
    const args = ['compare', at('weak'), at('strong'), at('middle'), '--bootstrap', '300', '--per-label']
    const { stdout } = await succeed([...args, '--metric', 'auc,f1'])
    expect(stdout).toContain('3 models on the same 150 images, differences from weak')
    expect(widest(stdout)).toBeLessThanOrEqual(100)
    const found = JSON.parse((await succeed([...args, '--json'])).stdout) as Comparison
    expect(found.methods).toEqual(['weak', 'strong', 'middle'])
    const [weak, strong] = found.results
    expect(weak).toMatchObject({ difference: null, p: null })
    expect(strong.difference).toBeCloseTo((strong.value ?? 0) - (weak.value ?? 0), 12)
    expect(strong.difference_interval?.[0]).toBeGreaterThan(0)
    // The least that 300 samples can give, or what few positives leave open.
    expect(strong.p).toBeGreaterThanOrEqual(2 / 301)
    expect(strong.p).toBeLessThan(6 / 301)
    expect(found.results.map(({ p_holm }) => p_holm)).toEqual(holm(found.results.map(({ p }) => p)))
    expect(strong.p_holm).toBeGreaterThan(2 * (strong.p ?? NaN))
    const effusion = found.labels.filter(({ label, metric }) => label === 'Effusion' && metric === 'auc')
    expect(effusion.map(({ p_delong }) => p_delong === null)).toEqual([true, false, false])
    expect(effusion[1].p_delong).toBeLessThan(0.01)
  })

  it('takes seeds of one method together', async () => {
    const [a, b] = [at('weak'), at('middle')]
    const args = ['compare', `${a},${b}`, `${b},${at('strong')}`, '--bootstrap', '100', '--metric', 'auc']
    const { results } = JSON.parse((await succeed([...args, '--json'])).stdout) as Comparison
    expect(results.map(({ seeds }) => seeds.count)).toEqual([2, 2])
    expect(results[0].value).toBeCloseTo(results[0].seeds.mean, 12)
    expect(results[1].p_seeds).toBeGreaterThan(0)
    expect((await succeed(args)).stdout).toContain('p (paired t)')
  })

  it('refuses what cannot be compared', async () => {
    await fail(['compare', at('weak')], { code: 2 })
    await fail(['compare', at('weak'), at('strong'), '--metric', 'area'], { code: 2 })
    expect(await fail(['compare', at('weak'), NPZ])).toContain('other labels')
    expect(await fail(['compare', at('weak'), folder])).toContain('has no predictions/test.csv')
  })
})

describe('ensemble', () => {
  it.each(['mean', 'weighted', 'rank', 'max'])(
    'by %s writes what can be evaluated and compared',
    async (method) => {
      const out = at(`ensemble-${method}`)
      const members = [at('middle'), at('strong')]
      const { stdout } = await succeed(['ensemble', ...members, '--method', method, '--out', out, '--json'])
      const { test, weights } = JSON.parse(stdout) as { test: MeasuredMetrics; weights: number[][] | null }
      expect(test.macro.auc).toBeGreaterThan(0.8)
      // Tuned on the members' validation predictions.
      expect(test.macro.labels_with_threshold).toBe(3)
      expect(weights === null).toBe(method !== 'weighted')
      for (const [middle, strong] of weights ?? []) expect(strong).toBeGreaterThan(middle)
      const written = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8')) as { test: MeasuredMetrics }
      expect(written.test).toEqual(test)
      const compared = await succeed(['compare', at('middle'), out, '--bootstrap', '20', '--json'])
      expect((JSON.parse(compared.stdout) as Comparison).results[1].value).toBeCloseTo(
        test.macro.auc ?? NaN,
        12,
      )
    },
  )

  it('does not write over another folder', async () => {
    const out = at('once')
    const args = ['ensemble', at('middle'), at('strong'), '--out', out]
    expect(widest((await succeed(args)).stdout.replace(/^Written.*$/m, ''))).toBeLessThanOrEqual(100)
    expect(await fail(args)).toContain('exists')
    await succeed([...args, '--force'])
    expect(await fail(['ensemble', at('middle'), at('strong'), '--out', at('weak'), '--force'])).toContain(
      'exists',
    )
  })

  it('fits on some of the patients and judges the others', async () => {
    const files = ['middle', 'strong'].map((name) => at(name, 'predictions', 'test.csv'))
    const out = at('held-out')
    await succeed(['ensemble', ...files, '--method', 'vote', '--holdout', '0.4', '--out', out])
    const [val, test] = await Promise.all(
      ['val', 'test'].map((split) => readPredictions(join(out, 'predictions', `${split}.csv`))),
    )
    expect([...val.images, ...test.images]).toHaveLength(150)
    const fitted = new Set(val.patients)
    expect(test.patients.filter((patient) => patient !== null && fitted.has(patient))).toEqual([])
    // A vote of two is none, one or both.
    expect([...new Set(test.scores)].sort()).toEqual([0, 0.5, 1])
    const compare = ['compare', files[0], out, '--bootstrap', '20', '--metric', 'auc']
    expect(await fail(compare)).toContain('only predictions of the same images')
    expect((await succeed([...compare, '--common'])).stdout).toContain(`same ${test.images.length} images`)
  })

  it('refuses what does not go together', async () => {
    await fail(['ensemble', at('middle'), '--out', at('x')], { code: 2 })
    await fail(['ensemble', at('middle'), at('weak'), '--out', at('x'), '--method', 'sum'], { code: 2 })
    const csv = at('middle', 'predictions', 'test.csv')
    const message = await fail(['ensemble', csv, at('weak'), '--out', at('x'), '--method', 'weighted'], {
      code: 2,
    })
    expect(message).toContain('fits weights on validation predictions')
  })
})
