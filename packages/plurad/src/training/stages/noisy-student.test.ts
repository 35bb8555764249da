/** Noisy Student on phantoms of which most lost their labels: what is learned from, what is kept, going on after a stop. */
import { readFileSync } from 'node:fs'
import { nn, noGrad, setNumThreads } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeStageExample, type StageExample } from '../../../test/stage-example.js'
import { bytesOf, differing, runWithStops } from '../../../test/stage-stops.js'
import { readPredictions } from '../../metrics/predictions.js'
import { predictSamples } from '../predictor.js'
import { setNoise } from './noisy-student/noise.js'
import { noisyStudent } from './noisy-student.js'
import type { StageContext } from './stage.js'

let example: StageExample
beforeAll(async () => {
  setNumThreads(1)
  example = await makeStageExample()
})
afterAll(() => example.close())

/** Two of three training images without labels, the rest as they are. */
function context(...changes: string[]): StageContext {
  const made = example.context(changes)
  const { samples, assignment } = made.job
  let trained = 0
  const few = samples.map((sample, i) =>
    assignment[i] === 'train' && trained++ % 3 > 0
      ? { ...sample, labels: sample.labels.map(() => null) }
      : sample,
  )
  return { ...made, job: { ...made.job, samples: few } }
}

describe('noisy_student', () => {
  test('teaches with the probabilities of the weights that it found, for what is unknown', async () => {
    const own = context('training.epochs=1')
    const { job, loader, placement, folder } = own
    const open = job.samples.filter(({ labels }, i) => job.assignment[i] === 'train' && labels.includes(null))
    const { predictions } = await predictSamples(own.model, loader, open, {
      ...{ size: 32, batchSize: 32, placement },
    })
    const stage = noisyStudent.make(own, { iterations: 1 })
    expect(await stage.run()).toBe(true)
    const written = await readPredictions(folder.file('student-1/pseudo-labels.csv'))
    expect(open.length).toBeGreaterThan(5)
    expect(written.images).toEqual(open.map(({ image }) => image))
    expect(written.scores).toEqual(predictions.scores)
    const filled = open.length * job.labels.length
    expect(example.notes.join('\n')).toContain(
      `${filled} of ${filled} unknown labels of ${open.length} images`,
    )
  })

  test('keeps the best of teacher and students, and says which', async () => {
    const own = context('training.epochs=2')
    const before = bytesOf(own.model)
    const stage = noisyStudent.make(own, { iterations: 2, student: 'teacher' })
    await stage.run()
    const { teacher, students } = JSON.parse(readFileSync(own.folder.file('students.json'), 'utf8')) as {
      teacher: number
      students: { value: number; best_epoch: number }[]
    }
    const values = [teacher, ...students.map(({ value }) => value)]
    const best = values.lastIndexOf(Math.max(...values))
    expect(values).toHaveLength(3)
    expect(stage.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4])
    if (best === 0) {
      expect(differing(bytesOf(own.model), before)).toEqual([])
      expect(stage.bestEpoch).toBeNull()
    } else {
      expect(differing(bytesOf(own.model), before)).not.toEqual([])
      expect(stage.bestEpoch).toBe(2 * (best - 1) + students[best - 1].best_epoch)
    }
    expect(example.notes.at(-1)).toContain(
      best === 0 ? 'Kept        the teacher' : `Kept        student ${best}`,
    )
  })

  test('keeps the teacher where no student is better', async () => {
    // One that knows how rare findings are, beside a student that is at chance and stays there.
    const own = context('training.epochs=1', 'training.monitor=loss', 'training.optimizer.learning_rate=1e-9')
    noGrad(() => own.model.head.classifierRows()?.bias?.fill_(-2))
    const before = bytesOf(own.model)
    const stage = noisyStudent.make(own, { iterations: 1 })
    await stage.run()
    expect(differing(bytesOf(own.model), before)).toEqual([])
    expect(stage.bestEpoch).toBeNull()
    expect(example.notes.at(-1)).toContain('no student was better')
  })

  test.each([
    ['fresh', 5],
    ['teacher', 8],
  ] as const)('of a %s student ends the same however often it is stopped', async (student, every) => {
    const contexts = (): StageContext =>
      context(
        'training.checkpoint_seconds=0',
        'model.head=mlp',
        'augmentation=[random_erasing]',
        'evaluation.batch_size=8',
      )
    const options = { iterations: 2, student, noise: { dropout: 0.4 }, confidence: { low: 0.45, high: 0.5 } }
    const whole = await runWithStops(noisyStudent, options, contexts, Infinity)
    const stopped = await runWithStops(noisyStudent, options, contexts, every)
    expect(stopped.stops).toBeGreaterThan(2)
    expect(differing(bytesOf(stopped.model), bytesOf(whole.model))).toEqual([])
    const losses = ({ stage }: typeof whole): unknown =>
      stage.history.map((row) => [row.epoch, row.train_loss, row.val_loss])
    expect(losses(stopped)).toEqual(losses(whole))
    expect(stopped.stage.bestEpoch).toBe(whole.stage.bestEpoch)
  })

  test('has nothing to do where every label is known', () => {
    const check = ({ job, model }: StageContext) => noisyStudent.check?.(job, {}, model)
    expect(() => check(example.context())).toThrow(/nothing for a teacher to fill in/)
    expect(() => check(context())).not.toThrow()
  })

  test('refuses probabilities as targets where labels have to be present or absent', () => {
    const { job, model } = context()
    const hard = { ...job, recipe: { ...job.recipe, loss: { name: 'two_way' } } }
    expect(() => noisyStudent.check?.(hard, {}, model)).toThrow(/two_way knows labels as present or absent/)
    expect(() => noisyStudent.check?.(hard, { targets: 'hard' }, model)).not.toThrow()
  })
})

describe('noise', () => {
  test('turns up what a model has, and says what it has not', () => {
    const { model } = example.context(['model.backbone=efficientnet_b0', 'model.head=mlp'])
    const modules = Array.from(model.namedModules(), ([, module]) => module)
    const noiseOf = (): number[] =>
      modules.flatMap((module) =>
        module instanceof nn.Dropout || module instanceof nn.StochasticDepth ? [module.p] : [],
      )
    const before = noiseOf()
    const { notes, restore } = setNoise(model, { dropout: 0.6, drop_path: 0.8 })
    expect(notes).toEqual([])
    const dropouts = modules.filter((module) => module instanceof nn.Dropout)
    expect(new Set(dropouts.map(({ p }) => p))).toEqual(new Set([0.6]))
    const depths = modules.filter((module) => module instanceof nn.StochasticDepth).map(({ p }) => p)
    expect(depths[0]).toBe(0)
    expect(depths.at(-1)).toBeCloseTo(0.8, 12)
    expect(depths).toEqual([...depths].sort((a, b) => a - b))
    restore()
    expect(noiseOf()).toEqual(before)
    const plain = example.context(['model.head=cosine']).model
    expect(setNoise(plain, { dropout: 0.5, drop_path: null }).notes).toEqual([
      'guita_cnn with the head cosine has no dropout.',
    ])
    expect(setNoise(plain, { dropout: null, drop_path: null }).notes).toEqual([])
  })
})
