/** SimCLR on phantoms: what it changes, what it looks at, and going on after a stop. */
import { setNumThreads } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeStageExample, type StageExample } from '../../../test/stage-example.js'
import { bytesOf, differing, runWithStops } from '../../../test/stage-stops.js'
import { RecipeError } from '../../errors.js'
import { freezeStages } from '../../models/parameter-groups.js'
import { parseRecipe } from '../../recipe/recipe.js'
import { simclr } from './simclr.js'
import { Views } from './simclr/views.js'

let example: StageExample
beforeAll(async () => {
  setNumThreads(1)
  example = await makeStageExample()
})
afterAll(() => example.close())

const VIEWS = 'augmentation=simclr_radiograph'
const ADAM = 'training.optimizer={name: adam, learning_rate: 0.003}'

describe('simclr', () => {
  test('changes the backbone alone, lowers its loss, and validates by it', async () => {
    const context = example.context([
      VIEWS,
      ADAM,
      'training.batch_size=12',
      'training.epochs=8',
      'training.early_stopping=null',
    ])
    const before = bytesOf(context.model)
    const stage = simclr.make(context, { temperature: 0.5 })
    expect(stage.resumesAt).toBeNull()
    expect(await stage.run()).toBe(true)
    const changed = differing(before, bytesOf(context.model))
    expect(changed.length).toBeGreaterThan(0)
    expect(changed.every((key) => key.startsWith('backbone.'))).toBe(true)
    const { history } = stage
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(history[7].train_loss).toBeLessThan(history[0].train_loss - 0.05)
    const losses = history.map(({ val_loss: loss }) => loss ?? NaN)
    expect(stage.bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1)
  })

  test('looks at no label', async () => {
    const run = async (forget: boolean): Promise<Map<string, Buffer>> => {
      const context = example.context([VIEWS])
      const samples = context.job.samples.map((each) => ({ ...each, labels: each.labels.map(() => null) }))
      await simclr.make(forget ? { ...context, job: { ...context.job, samples } } : context, {}).run()
      return bytesOf(context.model)
    }
    expect(differing(await run(true), await run(false))).toEqual([])
  })

  test.each([
    ['guita_cnn', ['training.accumulate=2', 'training.schedule={name: cosine, warmup_epochs: 1}'], 2],
    ['mobilenet_v3_small', ['training.schedule.patience=0', ADAM], 4],
  ] as const)('of %s ends the same however often it is stopped', async (backbone, changes, every) => {
    const contexts = () =>
      example.context([
        ...[VIEWS, `model.backbone=${backbone}`, 'training.epochs=2', 'training.checkpoint_seconds=0'],
        ...changes,
      ])
    const whole = await runWithStops(simclr, {}, contexts, Infinity)
    const stopped = await runWithStops(simclr, {}, contexts, every)
    expect(stopped.stops).toBeGreaterThan(1)
    expect(differing(bytesOf(stopped.model), bytesOf(whole.model))).toEqual([])
    expect(stopped.stage.resumesAt).toBe(2)
    const timeless = (stage: typeof whole.stage) =>
      stage.history.map((row) => ({ ...row, seconds: 0, images_per_second: 0 }))
    expect(timeless(stopped.stage)).toEqual(timeless(whole.stage))
  })

  test('leaves frozen stages alone, and refuses a backbone that is frozen as a whole', async () => {
    const context = example.context([VIEWS, 'model.backbone=mobilenet_v3_small', 'training.epochs=1'])
    freezeStages(context.model, 2)
    const frozen = [...context.model.namedParameters()].filter(([, each]) => !each.requiresGrad)
    const before = bytesOf(context.model)
    await simclr.make(context, {}).run()
    const after = bytesOf(context.model)
    expect(frozen.length).toBeGreaterThan(0)
    for (const [key] of frozen) expect(after.get(key)).toEqual(before.get(key))
    expect(differing(after, before)).not.toEqual([])

    const whole = example.context([VIEWS])
    freezeStages(whole.model, 'backbone')
    expect(() => simclr.make(whole, {})).toThrow(RecipeError)
  })

  test('refuses views that are all the same, and batches with nothing to tell apart', () => {
    const check = (...changes: string[]) => {
      const { job, model } = example.context(changes)
      simclr.check?.(job, {}, model)
    }
    expect(() => check()).toThrow(/recipe: {augmentation: simclr_radiograph}/)
    expect(() => check(VIEWS, 'training.batch_size=1')).toThrow(/batch_size is 1/)
    expect(() => check(VIEWS)).not.toThrow()
  })

  test('says so where nothing cuts', async () => {
    await simclr.make(example.context(['augmentation=radiograph', 'training.epochs=1']), {}).run()
    expect(example.notes.at(-1)).toContain('random_resized_crop')
  })
})

describe('views', () => {
  const views = new Views(parseRecipe('name: x\ndata: {size: 32}\naugmentation: simclr_radiograph', 'x'))
  const batch = {
    indices: Int32Array.of(4, 9, 2),
    pixels: Float32Array.from({ length: 3 * 1024 }, (_, at) => (at % 97) / 97),
    failed: [],
  }
  const rows = (all: Float32Array): Float32Array[] =>
    Array.from({ length: 6 }, (_, row) => all.slice(row * 1024, (row + 1) * 1024))

  test('are two of each image, another pair every epoch, the same pair whenever it comes up', () => {
    const all = views.of(batch, 1)
    expect(all).toHaveLength(2 * 3 * 1024)
    const seen = new Set(rows(all).map((row) => row.join()))
    expect(seen.size).toBe(6)
    expect(views.of(batch, 1)).toEqual(all)
    expect(views.of(batch, 2)).not.toEqual(all)
    // An image's views do not depend on the batch that it is in: first views before second ones.
    const alone = views.of({ ...batch, indices: Int32Array.of(9), pixels: batch.pixels.slice(1024, 2048) }, 1)
    expect(alone.slice(0, 1024)).toEqual(rows(all)[1])
    expect(alone.slice(1024)).toEqual(rows(all)[4])
  })
})
