/** Every architecture that torchvision has gives torchvision's logits, keys and parameter counts. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fromTypedArray, noGrad, scope } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { fillByKey, uniform } from '../../test/fill.js'
import { Classifier } from './classifier.js'
import { backbones } from './registry.js'

interface Reference {
  labels: number
  architectures: Record<
    string,
    { size: number; parameters: number; keys: string; logits: number[] } | undefined
  >
}

const reference = JSON.parse(
  readFileSync(new URL('../../test/fixtures/models/torchvision.json', import.meta.url), 'utf8'),
) as Reference

function make(name: string, size: number, labels: number): Classifier {
  return new Classifier({
    backbone: { name },
    head: { name: 'published' },
    inChannels: 3,
    size,
    labels: Array.from({ length: labels }, (_, i) => `label ${i}`),
    mean: [0],
    std: [1],
  })
}

/** `backbone.features.0.weight` -> `features.0.weight`: what stands in public checkpoints. */
const publicKey = (key: string): string => key.replace(/^(backbone|head)\./, '')

describe.each(Object.keys(backbones).filter((name) => reference.architectures[name]))('%s', (name) => {
  const expected = reference.architectures[name] ?? { size: 0, parameters: 0, keys: '', logits: [] }

  test('has its keys, shapes and logits', () => {
    const { size } = expected
    scope(() => {
      const model = make(name, size, reference.labels).to({ dtype: 'float64' }).eval()
      const state = fillByKey(model, publicKey)
      const described = Array.from(state, ([key, value]) => `${key} [${value.shape.join(', ')}]`).sort()
      expect(createHash('sha256').update(described.join('\n')).digest('hex')).toBe(expected.keys)
      const pixels = uniform(7, 2 * 3 * size * size).map((v) => v * 2 - 1)
      const logits = noGrad(() => model.forward(fromTypedArray(pixels, [2, 3, size, size])).toFlatArray())
      const scale = Math.max(...expected.logits.map(Math.abs))
      const worst = Math.max(...logits.map((logit, i) => Math.abs(logit - expected.logits[i])))
      expect(worst / scale).toBeLessThan(1e-9)
    })
  })

  test('has its number of parameters with 1,000 classes', () => {
    scope(() => {
      expect(make(name, 224, 1000).countParameters()).toBe(expected.parameters)
    })
  })
})
