/** The stage on a tiny model and made-up images: what each step changes, what is kept, and going on after a stop. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSafetensors, manualSeed, scope, setNumThreads } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dataset, LabelValue, Split } from '../../../data/dataset.js'
import { ImageLoader } from '../../../data/loader.js'
import { generatePhantoms } from '../../../data/phantom/index.js'
import { preprocessingOf } from '../../../data/preprocessing.js'
import { openDataset } from '../../../data/sets/open.js'
import { RecipeError } from '../../../errors.js'
import { Classifier } from '../../../models/classifier.js'
import { freezeStages, thaw } from '../../../models/parameter-groups.js'
import { labelStatistics } from '../../../models/statistics.js'
import { parseRecipe } from '../../../recipe/recipe.js'
import { StageFolder } from '../../../run/stage-folder.js'
import type { Stage } from '../stage.js'
import { ldrnet } from './ldrnet.js'

const HEAD = 'head: { name: ldrnet, prompt: false, dim: 16, heads: 2, feed_forward: 32 }'

let place: string
let data: Dataset
let assignment: Split[]
beforeAll(async () => {
  setNumThreads(1)
  place = mkdtempSync(join(tmpdir(), 'plurad-ldrnet-'))
  await generatePhantoms(join(place, 'data'), { count: 20, size: 32, seed: 3 })
  const opened = await openDataset(join(place, 'data'))
  assignment = opened.samples.map((_, i) => (i % 3 === 0 ? 'val' : 'train'))
  // A frequent label, a rarer one, and one that a single training image has.
  const labelsOf = (i: number): LabelValue[] =>
    [i % 2, Number(i % 7 < 2), Number(i % 21 === 1)] as LabelValue[]
  data = {
    ...opened,
    labels: ['Frequent', 'Rarer', 'Once'],
    samples: opened.samples.map((sample, i) => ({ ...sample, labels: labelsOf(i) })),
  }
})
afterAll(() => rmSync(place, { recursive: true, force: true }))

interface Made {
  stage: Stage
  model: Classifier
  folder: StageFolder
  notes: string[]
  /** How often the stage asked whether to stop. */
  asked: () => number
}

interface Wishes {
  /** Told how often the stage has asked whether to stop. */
  stop?: (asked: number) => boolean
  model?: string
  training?: string
}

/** A stage as the engine makes it: the same model every time, and what lies in `name` from before. */
function make(name: string, options: Record<string, unknown>, wishes: Wishes = {}): Made {
  const { stop = () => false, model: part = HEAD, training = '' } = wishes
  const recipe = parseRecipe(
    `name: test
data: { size: 32 }
model: { backbone: mobilenet_v3_small, ${part} }
training: { batch_size: 8, seed: 4, checkpoint_seconds: 0, precision: float32, optimizer: { learning_rate: 0.01, weight_decay: 0.001 }${training} }
evaluation: { batch_size: 8 }`,
    'test',
  )
  const { labels, samples } = data
  const folder = new StageFolder(join(place, name))
  for (const inner of ['checkpoints/last', 'checkpoints/best'])
    mkdirSync(folder.file(inner), { recursive: true })
  const statistics = labelStatistics(
    samples.flatMap((sample, i) => (assignment[i] === 'train' ? [sample.labels] : [])),
    labels.length,
  )
  manualSeed(11)
  const { backbone, head, freeze } = recipe.model
  const model = new Classifier(
    { backbone, head, inChannels: 1, size: 32, labels, mean: [0.5], std: [0.25] },
    { statistics, vectors: null },
  )
  thaw(model)
  freezeStages(model, freeze)
  const notes: string[] = []
  let asked = 0
  const job = {
    folder: folder.root,
    recipe,
    labels,
    samples,
    assignment,
    dataset: data,
    pack: null,
    sources: {},
    strict: false,
  }
  ldrnet.check?.(job, options, model)
  const stage = ldrnet.make(
    {
      job,
      model,
      loader: new ImageLoader({
        ...preprocessingOf(recipe.data),
        workers: 0,
        cacheBytes: 2 ** 20,
        strict: false,
      }),
      placement: { device: 'cpu', channelsLast: false },
      precision: { dtype: 'float32', channelsLast: false },
      folder,
      hooks: {
        post: (message) => {
          if (message.kind === 'note') notes.push(message.text)
        },
        get stopped() {
          return stop(++asked)
        },
      },
      statistics,
      vectors: null,
    },
    options,
  )
  return { stage, model, folder, notes, asked: () => asked }
}

type Bytes = Map<string, string>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const weightsOf = (model: Classifier): Bytes =>
  scope(() => new Map([...model.stateDict()].map(([key, tensor]) => [key, hex(tensor.toBytes())])))

/** The model as it was after the last step, which need not be what was kept. */
const lastOf = ({ folder }: Made): Bytes =>
  scope(
    () =>
      new Map(
        [...loadSafetensors(folder.lastCheckpoint).tensors].flatMap(([key, tensor]) =>
          key.startsWith('model.') ? [[key.slice('model.'.length), hex(tensor.toBytes())]] : [],
        ),
      ),
  )

const changed = (before: Bytes, after: Bytes): string[] =>
  [...before].flatMap(([key, bytes]) => (after.get(key) === bytes ? [] : [key]))

const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

const QUICK = { rounds: 1, m_steps: 12, m_batch: 16, patience: null }

describe('a round', () => {
  test('M-step: the classifier alone changes; E-step: everything but it', async () => {
    const classifier = ['head.classifier.weight', 'head.classifier.bias']
    const m = make('m', { ...QUICK, e_epochs: 0 })
    const start = weightsOf(m.model)
    expect(await m.stage.run()).toBe(true)
    const fitted = lastOf(m)
    expect(changed(start, fitted)).toEqual(classifier)

    const e = make('e', { ...QUICK, e_epochs: 1 })
    expect(await e.stage.run()).toBe(true)
    const moved = changed(fitted, lastOf(e))
    expect(moved).not.toContain(classifier[0])
    expect(moved).not.toContain(classifier[1])
    // Weights, and what batch norm counts.
    const others = [...start.keys()].filter((key) => !classifier.includes(key))
    expect(moved).toEqual(others)
    expect(e.model.parameters().every((parameter) => parameter.requiresGrad)).toBe(true)
    expect(e.stage.epochs).toBe(1)
    expect(existsSync(e.folder.file('round-1/checkpoints'))).toBe(false)
  })

  test('works on pooled features that all labels share, without a first stage', async () => {
    const made = make('linear', { ...QUICK, e_epochs: 0, covariance: 'full' }, { model: 'head: linear' })
    const start = weightsOf(made.model)
    expect(await made.stage.run()).toBe(true)
    expect(changed(start, lastOf(made))).toEqual(['head.classifier.weight', 'head.classifier.bias'])
    expect(made.notes.join('\n')).toContain('seen once, so that the spread is that of the other value: Once')
  })

  test('leaves the classifier of a label that no image has as it is', async () => {
    const { samples } = data
    data = { ...data, samples: samples.map((sample) => ({ ...sample, labels: sample.labels.with(1, 0) })) }
    try {
      const made = make('missing', { ...QUICK, e_epochs: 0 })
      const row = (): number[] => made.model.head.classifierRows()?.weight.select(0, 1).toFlatArray() ?? []
      const before = row()
      await made.stage.run()
      expect(row()).toEqual(before)
      const { rounds } = json(made.folder.file('rounds.json')) as {
        rounds: { statistics: { left_out: string[] } }[]
      }
      expect(rounds[0].statistics.left_out).toEqual([data.labels[1]])
      expect(made.notes.join('\n')).toContain(`stay as they are: ${data.labels[1]}`)
    } finally {
      data = { ...data, samples }
    }
  })
})

describe('what is kept', () => {
  test('is the start without rounds, and the best by the validation split otherwise', async () => {
    const none = make('none', { rounds: 0 })
    const start = weightsOf(none.model)
    expect(await none.stage.run()).toBe(true)
    expect(weightsOf(none.model)).toEqual(start)
    expect(none.stage.bestEpoch).toBeNull()

    // Steps that are far too long make everything worse.
    const worse = make(
      'worse',
      { ...QUICK, rounds: 5, m_learning_rate: 100, e_epochs: 0, patience: 2 },
      { training: ', monitor: loss' },
    )
    expect(await worse.stage.run()).toBe(true)
    expect(weightsOf(worse.model)).toEqual(start)
    const { rounds, kept } = json(worse.folder.file('rounds.json')) as {
      rounds: unknown[]
      kept: { round: number }
    }
    expect(rounds).toHaveLength(2)
    expect(kept.round).toBe(0)
    expect(worse.notes.join('\n')).toContain('No better loss for 2 rounds: stopped early.')
  })

  test('is told with row norms before and after', async () => {
    const made = make('told', { ...QUICK, sampling: 'paper' })
    const norms = (): number[] =>
      made.model.head.classifierRows()?.weight.pow(2).sum(1).sqrt().toFlatArray() ?? []
    const before = norms()
    await made.stage.run()
    const told = json(join(made.folder.root, 'classifier-norms.json')) as Record<string, number[]>
    expect(told['labels']).toEqual(data.labels)
    for (const [key, expected] of [
      ['before', before],
      ['after', norms()],
    ] as const)
      told[key].forEach((norm, c) => expect(norm).toBeCloseTo(expected[c], 5))
    const positives = data.labels.map(
      (_, c) => data.samples.filter(({ labels }, i) => labels[c] === 1 && assignment[i] === 'train').length,
    )
    expect(told['frequency']).toEqual(positives)
    const { rounds } = json(made.folder.file('rounds.json')) as {
      rounds: {
        statistics: { positives: number[] }
        classifier: { rates: number[]; realised_rates: number[] }
      }[]
    }
    const { rates, realised_rates: realised } = rounds[0].classifier
    expect(rounds[0].statistics.positives).toEqual(positives)
    expect(rates.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10)
    realised.forEach((rate, c) => expect(Math.abs(rate - rates[c])).toBeLessThan(0.15))
  })
})

describe('a stage that is stopped or killed anywhere', () => {
  const options = { rounds: 2, m_steps: 12, m_batch: 16, patience: null, covariance: 'shrunk' }
  let whole: Made
  beforeAll(async () => {
    whole = make('whole', options)
    expect(await whole.stage.run()).toBe(true)
  })

  /** Stops, or dies, at every so many-th question, until it is at its end. */
  async function interrupted(name: string, every: number, dies: boolean): Promise<Made & { times: number }> {
    for (let times = 0; ; times++) {
      expect(times).toBeLessThan(100)
      const made = make(name, options, {
        stop: (asked) => {
          if (asked % every !== 0) return false
          if (dies) throw new Error('killed')
          return true
        },
      })
      const ended = await made.stage.run().catch((error: unknown) => {
        expect((error as Error).message).toBe('killed')
        return false
      })
      if (ended) return { ...made, times }
    }
  }

  test.each([
    [7, false],
    [5, false],
    [6, true],
    [9, true],
  ])('at every question number %i (killed: %s) ends the same', async (every, dies) => {
    const made = await interrupted(`every-${every}`, every, dies)
    expect(made.times).toBeGreaterThan(1)
    expect(changed(weightsOf(whole.model), weightsOf(made.model))).toEqual([])
    expect(lastOf(made)).toEqual(lastOf(whole))
    for (const file of ['rounds.json', 'classifier-norms.json'])
      expect(readFileSync(made.folder.file(file), 'utf8')).toBe(readFileSync(whole.folder.file(file), 'utf8'))
    const plain = ({ stage }: Made): unknown[] =>
      stage.history.map(({ seconds: _, images_per_second: __, ...row }) => row)
    expect(plain(made)).toEqual(plain(whole))
    expect(made.stage.history.map(({ epoch }) => epoch)).toEqual([1, 2])
  })

  test('at its end does nothing more', async () => {
    const again = make('whole', options)
    expect(await again.stage.run()).toBe(true)
    expect(changed(weightsOf(whole.model), weightsOf(again.model))).toEqual([])
    expect(again.asked()).toBe(0)
  })
})

describe('refuses, before anything is trained', () => {
  test.each([
    ['a cosine classifier', 'head: cosine', /have no say in the head cosine/],
    ['a classifier without rows', 'head: per_label_mlp', /the head per_label_mlp has none/],
    ['a hidden layer of another width', 'head: mlp', /the head mlp keeps them to itself/],
    [
      'a hidden layer of the same width',
      'head: { name: mlp, hidden: 576 }',
      /the head mlp keeps them to itself/,
    ],
  ])('%s', (_, model, message) => {
    expect(() => make('refused', QUICK, { model })).toThrow(RecipeError)
    expect(() => make('refused', QUICK, { model })).toThrow(message)
  })

  test('an E-step with nothing to train', () => {
    const frozen = 'head: linear, freeze: backbone'
    expect(() => make('frozen', QUICK, { model: frozen })).toThrow(/Set its e_epochs to 0, or freeze less/)
    expect(() => make('frozen', { ...QUICK, e_epochs: 0 }, { model: frozen })).not.toThrow()
  })
})
