/** The methods that weigh a feature map give what a Python program with hooks computes from the same weights. */
import { readFileSync } from 'node:fs'
import { fromTypedArray, scope } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { fillByKey, uniform } from '../../../test/fill.js'
import { Classifier } from '../../models/classifier.js'
import { explain } from '../explain.js'

interface Reference {
  labels: number
  networks: Record<
    string,
    {
      size: number
      logits: number[]
      stages: { stage: number; shape: number[]; labels: Record<string, number[]>[] }[]
    }
  >
}

const reference = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/explain/cam.json', import.meta.url), 'utf8'),
) as Reference

const names = Array.from({ length: reference.labels }, (_, i) => `label ${i}`)

function make(backbone: string, size: number): Classifier {
  const parts = { backbone: { name: backbone }, head: { name: 'published' } }
  const model = new Classifier({
    ...parts,
    inChannels: 3,
    size,
    labels: names,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  })
  model.to({ dtype: 'float64' }).eval()
  fillByKey(model, (key) => key.replace(/^(backbone|head)\./, ''))
  return model
}

describe.each(Object.entries(reference.networks))('%s', (backbone, { size, logits, stages }) => {
  test.each(stages)('stage $stage', ({ stage, shape, labels }) => {
    scope(() => {
      const model = make(backbone, size)
      const pixels = fromTypedArray(
        uniform(7, 3 * size * size).map((v) => v * 2 - 1),
        [1, 3, size, size],
      )
      const given = model.forward(pixels).toFlatArray()
      given.forEach((value, i) => expect(value).toBeCloseTo(logits[i], 9))
      for (const method of ['grad-cam', 'grad-cam++', 'hires-cam', 'layer-cam']) {
        const { heatmaps, stage: used } = explain(model, pixels, [0, 1, 2], { method, stage })
        expect(used).toBe(stage)
        labels.forEach((wanted, label) => {
          const heatmap = heatmaps[label]
          expect(heatmap.shape).toEqual(shape)
          const scale = Math.max(...wanted[method].map(Math.abs), 1e-12)
          heatmap.values.forEach((value, at) => {
            // Single precision of the result is 6e-8 of the largest value; the network ran in double.
            expect(Math.abs(value - wanted[method][at]) / scale, `${method}, label ${label}`).toBeLessThan(
              1e-6,
            )
          })
        })
      }
      // As a whole, whatever stage: the last that counts is found by itself.
      const { stage: found } = explain(model, pixels, [0], { method: 'grad-cam' })
      expect(found).toBe(backbone === 'vit_s_16' ? 2 : 4)
    })
  })
})
