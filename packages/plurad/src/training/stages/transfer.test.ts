/** Transfer from another data set: what goes over, what stays, and what is never learned from. */
import { existsSync, readFileSync } from 'node:fs'
import { loadSafetensors, setNumThreads } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeStageExample, type StageExample } from '../../../test/stage-example.js'
import { bytesOf, differing, runWithStops } from '../../../test/stage-stops.js'
import type { Sample } from '../../data/dataset.js'
import type { SourceData } from '../job.js'
import type { StageContext } from './stage.js'
import { sourceKey, transfer, transferOptions } from './transfer.js'

let example: StageExample
beforeAll(async () => {
  setNumThreads(1)
  example = await makeStageExample()
})
afterAll(() => example.close())

const OPTIONS = { source: '/another' }

/** The run's own training images as another data set: with one of its labels, the last, and one that only the other has. */
function context(changes: readonly string[] = [], withHeldOut = false): StageContext {
  const made = example.context(changes)
  const { job } = made
  const last = job.labels.length - 1
  const rows = job.samples.flatMap((sample, i) =>
    withHeldOut || job.assignment[i] === 'train' ? [sample as Sample] : [],
  )
  const source: SourceData = {
    dataset: { name: 'another', fingerprint: '0' },
    labels: ['Elsewhere', job.labels[last]],
    samples: rows.map((sample, i): Sample => ({
      ...sample,
      labels: [i % 2 === 0 ? 1 : 0, sample.labels[last]],
    })),
    assignment: rows.map((_, i) => (i % 4 === 3 ? 'val' : 'train')),
  }
  return { ...made, job: { ...job, sources: { [sourceKey(transferOptions.parse(OPTIONS))]: source } } }
}

const rowOf = (values: Buffer | undefined, row: number, rows: number): Buffer | undefined =>
  values?.subarray((row * values.length) / rows, ((row + 1) * values.length) / rows)

describe('transfer', () => {
  test('hands over the backbone, and of the classifier the row of the label of the same name', async () => {
    const own = context()
    const before = bytesOf(own.model)
    const stage = transfer.make(own, OPTIONS)
    expect(await stage.run()).toBe(true)
    expect(stage.epochs).toBe(2)
    const after = bytesOf(own.model)
    const learned = new Map(
      [...loadSafetensors(own.folder.bestCheckpoint).tensors].map(([key, value]) => [
        key,
        Buffer.from(value.toBytes()),
      ]),
    )
    for (const [key, value] of after) if (key.startsWith('backbone.')) expect(value).toEqual(learned.get(key))
    expect(after.get('backbone.features.0.weight') ?? [...after.values()][0]).not.toEqual(
      [...before.values()][0],
    )
    const { labels } = own.job
    for (const key of ['head.classifier.weight', 'head.classifier.bias']) {
      labels.forEach((_, row) => {
        const now = rowOf(after.get(key), row, labels.length)
        if (row === labels.length - 1) expect(now).toEqual(rowOf(learned.get(key), 1, 2))
        else expect(now).toEqual(rowOf(before.get(key), row, labels.length))
      })
    }
    expect(readFileSync(own.folder.file('split.csv'), 'utf8')).toMatch(/^image,patient,split,Elsewhere,/)
    expect(example.notes.join('\n')).toContain(`classifier rows by name: ${labels.at(-1)}`)
  })

  test('starts from the backbone as it is, and leaves what is frozen', async () => {
    const own = context(['model.freeze=backbone'])
    const before = bytesOf(own.model)
    await transfer.make(own, OPTIONS).run()
    const changed = differing(before, bytesOf(own.model))
    expect(changed.filter((key) => key.startsWith('backbone.'))).toEqual([])
  })

  test('never learns from images that the run validates or tests on', async () => {
    const own = context(['training.epochs=1'], true)
    await transfer.make(own, OPTIONS).run()
    const { samples, assignment } = own.job
    const heldOut = samples.filter((_, i) => assignment[i] !== 'train')
    const written = readFileSync(own.folder.file('split.csv'), 'utf8')
    expect(heldOut.length).toBeGreaterThan(3)
    for (const { image } of heldOut) expect(written).not.toContain(image)
    expect(example.notes.join('\n')).toContain(
      `${heldOut.length} images of the source are ones that this run`,
    )
  })

  test('ends the same however often it is stopped', async () => {
    const contexts = (): StageContext =>
      context(['training.checkpoint_seconds=0', 'augmentation=[random_erasing]'])
    const whole = await runWithStops(transfer, OPTIONS, contexts, Infinity)
    const stopped = await runWithStops(transfer, OPTIONS, contexts, 3)
    expect(stopped.stops).toBeGreaterThan(1)
    expect(differing(bytesOf(stopped.model), bytesOf(whole.model))).toEqual([])
    expect(stopped.stage.resumesAt).toBe(2)
  })

  test('is left out without a source, with a note', async () => {
    const own = context()
    const before = bytesOf(own.model)
    const stage = transfer.make(own, {})
    expect(await stage.run()).toBe(true)
    expect(differing(bytesOf(own.model), before)).toEqual([])
    expect(stage).toMatchObject({ epochs: 0, bestEpoch: null, resumesAt: null })
    expect(existsSync(own.folder.lastCheckpoint)).toBe(false)
    expect(example.notes.at(-1)).toContain('source is null')
  })
})
