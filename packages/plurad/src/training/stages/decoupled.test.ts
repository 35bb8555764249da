/** What defines the decoupled schemes of Kang et al.: what changes, and what must not. */
import { readFileSync } from 'node:fs'
import { noGrad, tensor } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeStageExample, type StageExample } from '../../../test/stage-example.js'
import { bytesOf, differing, runWithStops } from '../../../test/stage-stops.js'
import { rowNorms } from '../../models/classifier-rows.js'
import type { Classifier } from '../../models/classifier.js'
import type { ClassifierRows } from '../../models/head.js'
import { classAware, crt } from './crt.js'
import { lws } from './lws.js'
import type { StageContext } from './stage.js'
import { tauNorm } from './tau-norm.js'

let example: StageExample
beforeAll(async () => {
  example = await makeStageExample()
})
afterAll(() => example.close())

const changed = (before: Map<string, Buffer>, model: Classifier): string[] =>
  differing(before, bytesOf(model))

function rowsOf(model: Classifier): ClassifierRows & { rows: number[][] } {
  const found = model.head.classifierRows()
  if (found === null) throw new Error('there are no rows')
  const { weight } = found
  const flat = weight.toFlatArray()
  const length = flat.length / weight.size(0)
  return {
    ...found,
    weight,
    bias: found.bias,
    rows: Array.from({ length: weight.size(0) }, (_, c) => flat.slice(c * length, (c + 1) * length)),
  }
}

/** As after training: rows of different lengths, biases of their own. */
function unequal({ model }: StageContext): void {
  const { weight, bias } = rowsOf(model)
  noGrad(() => {
    for (let c = 0; c < weight.size(0); c++) weight.select(0, c).mul_(1 + c * c)
    bias?.copy_(tensor(Array.from({ length: weight.size(0) }, (_, c) => c / 4 - 1)))
  })
}

const cosineOf = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b))

describe('crt', () => {
  // mobilenet_v3_small has batch norm, whose statistics are part of what must not move.
  test.each(['guita_cnn', 'mobilenet_v3_small'])(
    'changes the classifier alone, all else of %s stays to the bit',
    async (backbone) => {
      const context = example.context([`model.backbone=${backbone}`, 'training.optimizer.weight_decay=0.01'])
      const before = bytesOf(context.model)
      const stage = crt.make(context, {})
      const started = rowsOf(context.model).rows
      expect(await stage.run()).toBe(true)
      expect(stage.epochs).toBe(2)
      expect(changed(before, context.model)).toEqual(['head.classifier.weight', 'head.classifier.bias'])
      expect(rowsOf(context.model).rows).not.toEqual(started)
    },
  )

  test('starts from rows as a linear layer starts with, not from the trained ones', () => {
    const context = example.context()
    unequal(context)
    crt.make(context, {})
    const { rows, bias } = rowsOf(context.model)
    const bound = 1 / Math.sqrt(rows[0].length)
    const sizes = rows.flat().map(Math.abs)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(bound)
    expect(Math.max(...sizes)).toBeGreaterThan(0.9 * bound)
    expect(bias?.toFlatArray().every((value) => value === 0)).toBe(true)
  })

  test('draws images class by class, where the recipe does not say otherwise', () => {
    const { job } = example.context()
    expect(classAware(job).recipe.training.sampler.name).toBe('class-aware')
    const other = example.context(['training.sampler=square-root']).job
    expect(classAware(other)).toBe(other)
  })

  test('refuses heads without one row a label', () => {
    const context = example.context(['model.head=per_label_mlp'])
    expect(() => crt.make(context, {})).toThrow(
      /The stage crt .* the head per_label_mlp has none\. Take a head/,
    )
  })
})

describe('tau_norm', () => {
  test.each([0.3, 1])(
    'makes the norms ||w||^(1 - tau) at tau %s, keeps directions, drops the bias',
    async (tau) => {
      const context = example.context()
      unequal(context)
      const before = bytesOf(context.model)
      const { rows } = rowsOf(context.model)
      const norms = rowNorms(rowsOf(context.model))
      expect(await tauNorm.make(context, { taus: [tau] }).run()).toBe(true)
      expect(changed(before, context.model)).toEqual(['head.classifier.weight', 'head.classifier.bias'])
      const after = rowsOf(context.model)
      rowNorms(after).forEach((norm, c) => expect(norm).toBeCloseTo(norms[c] ** (1 - tau), 5))
      after.rows.forEach((row, c) => expect(cosineOf(row, rows[c])).toBeCloseTo(1, 6))
      expect(after.bias?.toFlatArray().every((value) => value === 0)).toBe(true)
    },
  )

  test.each(['label_ranking_average_precision', 'loss'])(
    'says of every tau what the model made with it gives: %s',
    async (criterion) => {
      const taus = [0, 0.5, 1]
      const valueOf = async (given: number[], keep: string): Promise<Written> => {
        const context = example.context()
        unequal(context)
        await tauNorm.make(context, { taus: given, choose_by: criterion, bias: keep }).run()
        return JSON.parse(readFileSync(context.folder.file('tau-norm.json'), 'utf8')) as Written
      }
      for (const bias of ['drop', 'keep']) {
        const all = await valueOf(taus, bias)
        expect(all.tried.map(({ tau }) => tau)).toEqual(taus)
        const values = all.tried.map(({ value }) => value ?? NaN)
        const best = criterion === 'loss' ? Math.min(...values) : Math.max(...values)
        expect(all.chosen).toBe(taus[values.indexOf(best)])
        // A model whose rows were divided by hand is tried at 0: it is what it is.
        const context = example.context()
        unequal(context)
        const { weight, rows } = rowsOf(context.model)
        noGrad(() => rows.forEach((row, c) => weight.select(0, c).div_(Math.hypot(...row) ** 0.5)))
        await tauNorm.make(context, { taus: [0], choose_by: criterion, bias }).run()
        const alone = JSON.parse(readFileSync(context.folder.file('tau-norm.json'), 'utf8')) as Written
        expect(values[1]).toBeCloseTo(alone.tried[0].value ?? NaN, 5)
      }
    },
  )

  test('judges by the loss where that is monitored; and refuses where lengths have no say', async () => {
    const context = example.context(['training.monitor=loss'])
    await tauNorm.make(context, { taus: [0, 1] }).run()
    expect(example.notes.at(-2)).toMatch(/^Tau {9}[01], by loss on the validation split \(0: \d.*, 1: \d/)
    expect(example.notes.at(-1)).toMatch(/^Row norms {3}[\d.]+ to [\d.]+ before/)
    const cosine = example.context(['model.head=cosine'])
    expect(() => tauNorm.make(cosine, {})).toThrow(/lengths .* no say in the head cosine/)
  })
})

interface Written {
  chosen: number
  tried: { tau: number; value: number | null }[]
}

describe('lws', () => {
  test('scales rows and biases, keeps directions and all else, and leaves no trace', async () => {
    const context = example.context([
      'model.backbone=mobilenet_v3_small',
      'training.optimizer.learning_rate=0.5',
    ])
    unequal(context)
    const before = bytesOf(context.model)
    const { rows, bias } = rowsOf(context.model)
    const biases = bias?.toFlatArray() ?? []
    const stage = lws.make(context, {})
    expect(context.model.parameters().filter(({ requiresGrad }) => requiresGrad)).toHaveLength(1)
    expect(await stage.run()).toBe(true)
    expect(changed(before, context.model)).toEqual(['head.classifier.weight', 'head.classifier.bias'])
    const after = rowsOf(context.model)
    const factors = after.rows.map((row, c) => Math.hypot(...row) / Math.hypot(...rows[c]))
    after.rows.forEach((row, c) => expect(Math.abs(cosineOf(row, rows[c]))).toBeCloseTo(1, 6))
    expect(example.notes.at(-2)).toMatch(
      /^Note {8}lws: .* leaves its macro_auc as it is; the loss is monitored/,
    )
    expect(factors.some((factor) => Math.abs(factor - 1) > 1e-3)).toBe(true)
    after.bias
      ?.toFlatArray()
      .forEach((value, c) => expect(Math.abs(value)).toBeCloseTo(Math.abs(factors[c] * biases[c]), 4))
  })

  test('ends the same however often it is stopped', async () => {
    const contexts = (): StageContext => {
      const context = example.context()
      unequal(context)
      return context
    }
    const whole = await runWithStops(lws, {}, contexts, Infinity)
    const stopped = await runWithStops(lws, {}, contexts, 2)
    expect(stopped.stops).toBeGreaterThan(2)
    expect(differing(bytesOf(stopped.model), bytesOf(whole.model))).toEqual([])
    expect(stopped.stage.bestEpoch).toBe(whole.stage.bestEpoch)
  })
})
