/** From a trained run to everything that is measured of it: calibration, groups, worse images, further views, the card. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readModelInfo } from '../src/card/model-info.js'
import {
  applyCalibration,
  type Comparison,
  type JudgedMetrics,
  type Robustness,
  type Subgroups,
} from '../src/metrics/index.js'
import { readPredictions } from '../src/metrics/predictions.js'
import { fail, makeWorkplace, sets, succeed, type Workplace } from './cli.js'

type Evaluated = JudgedMetrics & { subgroups?: Subgroups; robustness?: Robustness; tta?: Comparison }

let here: Workplace
let run: string
const withoutLibtorch = { env: { PLURAD_TORCH_BUILD: '/nowhere/current.json' } }
const json = <T>(...names: string[]): T => JSON.parse(readFileSync(join(run, ...names), 'utf8')) as T
const evaluate = async (args: readonly string[], options = {}): Promise<Evaluated> =>
  JSON.parse((await succeed(['evaluate', ...args, '--json'], options)).stdout) as Evaluated

beforeAll(async () => {
  here = await makeWorkplace({ count: 200 })
  run = here.path('run')
  await succeed([
    ...['train', here.recipe, '--data', here.data, '--out', run],
    ...sets('training.epochs=1', 'model.backbone=guita_cnn', 'evaluation.calibration=temperature'),
    // Half of the images to calibrate on, of labels that enough of them have.
    ...sets('data.labels=[Infiltration,Effusion,Hernia]', 'data.split={train: 0.2, val: 0.5, test: 0.3}'),
    ...sets('evaluation.bootstrap=50', 'training.batch_size=16', 'licence=CC-BY-4.0'),
  ])
  await succeed(['export', run, '--no-ood'])
}, 120_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

describe('a run with calibration', () => {
  it('keeps scores and calibrated probabilities apart', async () => {
    const { calibration, thresholds } = await readModelInfo(join(run, 'model.safetensors'))
    expect(calibration).toHaveLength(thresholds.length)
    expect(calibration?.[0]?.method).toBe('temperature')
    // Too rare to be calibrated.
    expect(calibration?.[2]).toBeNull()
    const scores = await readPredictions(join(run, 'predictions', 'test.csv'))
    const calibrated = await readPredictions(join(run, 'predictions', 'test-calibrated.csv'))
    expect(calibrated).toEqual(applyCalibration(calibration ?? [], scores))
    const { test } = json<{ test: JudgedMetrics }>('metrics.json')
    expect(test.calibration?.parameters).toEqual(calibration)
    expect(test.intervals?.repetitions).toBe(50)
    expect((await readModelInfo(join(run, 'model.onnx'))).calibration).toEqual(calibration)
  })

  it('is evaluated as it judged itself', async () => {
    const { test } = json<{ test: JudgedMetrics }>('metrics.json')
    const { intervals, ...figures } = test
    expect(await evaluate([run])).toEqual(figures)
    expect((await evaluate([run, '--bootstrap', '50'])).intervals).toEqual(intervals)
    const raw = await evaluate(['--predictions', run, '--calibrate', 'none'])
    expect(raw.macro.brier).toBe(test.calibration?.before.brier)
  })

  it('predicts with it', async () => {
    const [first] = (await readPredictions(join(run, 'predictions', 'test.csv'))).images
    const image = here.path(`data/images/${first}`)
    const { stdout } = await succeed(['predict', run, image, '--json'], withoutLibtorch)
    const [{ findings }] = JSON.parse(stdout) as [
      {
        findings: {
          probability: number
          calibrated: number
          threshold: number | null
          present: boolean | null
        }[]
      },
    ]
    const called = findings.filter(({ threshold }) => threshold !== null)
    expect(called).toHaveLength(2)
    for (const { calibrated, threshold, present } of called)
      expect(present).toBe(calibrated >= (threshold ?? NaN))
    const viewed = await succeed(['predict', run, image, '--json', '--tta', 'shifts'], withoutLibtorch)
    const [{ findings: seen }] = JSON.parse(viewed.stdout) as [{ findings: { probability: number }[] }]
    expect(seen.map(({ probability }) => probability)).not.toEqual(
      findings.map(({ probability }) => probability),
    )
    await fail(['predict', run, image, '--tta', 'spins'], { code: 2 })
  })
})

describe('evaluate with images', () => {
  const asked = ['--by', 'sex', '--corruptions', 'noise,blur', '--tta', 'shifts', '--bootstrap', '20']

  it('judges groups, corruptions and views, and keeps the curve in the run', async () => {
    const found = await evaluate([run, ...asked])
    const { robustness, subgroups, tta } = found
    expect(robustness?.corruptions.map(({ name, curve }) => [name, curve.length])).toEqual([
      ['noise', 5],
      ['blur', 5],
    ])
    expect(json('robustness.json')).toEqual(robustness)
    const { test } = json<{ test: JudgedMetrics }>('metrics.json')
    expect(robustness?.plain.auc.value).toBeCloseTo(test.macro.auc ?? NaN, 12)
    expect(subgroups?.attributes.map(({ name }) => name)).toEqual(['sex'])
    expect(subgroups?.attributes[0].groups.reduce((sum, { images }) => sum + images, 0)).toBe(found.images)
    // The figures are those of the views; the comparison is with the images alone.
    const [alone, viewed] = tta?.results.filter(({ metric }) => metric === 'auc') ?? []
    expect(alone.value).toBeCloseTo(test.macro.auc ?? NaN, 12)
    expect(viewed.value).toBeCloseTo(found.macro.auc ?? NaN, 12)
  })

  it('gives the same of an exported model, without libtorch, within 100 columns', async () => {
    const [model, out] = [join(run, 'model.onnx'), here.path('out')]
    const args = ['--data', here.data, '--corruptions', 'jpeg', '--tta', 'shifts', '--bootstrap', '10']
    const { stdout } = await succeed(['evaluate', model, ...args, '--out', out], withoutLibtorch)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
    const read = <T>(name: string): T => JSON.parse(readFileSync(join(out, name), 'utf8')) as T
    const found = { ...read<JudgedMetrics>('metrics.json'), robustness: read<Robustness>('robustness.json') }
    const peer = await evaluate([run, ...args])
    expect(found.images).toBe(peer.images)
    expect(Math.abs((found.macro.brier ?? 0) - (peer.macro.brier ?? 1))).toBeLessThan(1e-5)
    const curve = (one: Robustness | undefined): (number | null)[] =>
      one?.corruptions[0].curve.map(({ auc }) => auc.value) ?? []
    curve(found.robustness).forEach((value, i) =>
      expect(value).toBeCloseTo(curve(peer.robustness)[i] ?? NaN, 2),
    )
    expect(read<Comparison>('tta.json').methods).toEqual(['the images alone', 'with shifts'])
    const raw = await readPredictions(join(out, 'predictions.csv'))
    expect(await readPredictions(join(out, 'predictions-calibrated.csv'))).toEqual(
      applyCalibration(found.calibration?.parameters ?? [], raw),
    )
  })

  it('refuses what it cannot do', async () => {
    expect(await fail(['evaluate', run, '--out', run])).toContain('holds a run')
    await fail(['evaluate', run, '--corruptions', 'fog'], { code: 2 })
    await fail(['evaluate', run, '--by', 'device'], { code: 2 })
    await fail(['evaluate', run, run], { code: 2 })
    await fail(['evaluate', '--predictions', run, '--tta', 'flips'], { code: 2 })
  })
})

describe('the model card', () => {
  it('of a run says all, and names no patient and no path', async () => {
    const card = readFileSync(join(run, 'model-card.md'), 'utf8')
    const { stdout } = await succeed(['card', run])
    // The curve of worse images may have come since.
    expect(stdout.replace(/## Worse images[^#]*/, '')).toBe(card)
    for (const title of [
      'Intended use',
      'Data',
      'Labels',
      'Figures',
      'Calibration',
      'Limits and warnings',
      'Licence',
    ])
      expect(card).toContain(`\n## ${title}\n`)
    const { images } = await readPredictions(join(run, 'predictions', 'test.csv'))
    for (const name of images) expect(card).not.toContain(name)
    expect(card).not.toContain(here.folder)
    expect(card).toContain('By temperature, label by label')
    expect(card).toContain('These weights: CC-BY-4.0.')
    expect((await readModelInfo(join(run, 'model.onnx'))).licence).toBe('CC-BY-4.0')
  })

  it('of a file alone says what that says of itself', async () => {
    const copy = here.path('copied.onnx')
    writeFileSync(copy, readFileSync(join(run, 'model.onnx')))
    const out = here.path('card.md')
    await succeed(['card', copy, '--out', out], withoutLibtorch)
    const card = readFileSync(out, 'utf8')
    expect(card).toContain('No figures stand beside this file')
    expect(card).not.toContain('## Figures')
    expect(existsSync(here.path('model-card.md'))).toBe(false)
    expect(await fail(['card', here.data])).toContain('neither a run folder')
  })
})
