/** Every recipe that comes along is valid, names its paper, and its model and loss take a step together. */
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manualSeed, randn, scope } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { makeLoss } from '../src/losses/registry.js'
import { Classifier } from '../src/models/classifier.js'
import { labelStatistics } from '../src/models/statistics.js'
import { loadRecipe } from '../src/recipe/recipe.js'

const folder = fileURLToPath(new URL('../../../recipes/', import.meta.url))
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const LABELS = ['Effusion', 'Mass', 'Hernia']

/** The largest network is replaced by its smallest sibling: what is tested is that the parts fit. */
const LIGHTER: Partial<Record<string, string>> = {
  swin_l: 'swin_t',
  resnet101: 'resnet18',
  resnet50: 'resnet18',
  convnext_small: 'convnext_tiny',
}

describe.each(names)('%s', (file) => {
  test('is valid, says what it is, and learns', async () => {
    const recipe = await loadRecipe(`${folder}${file}`)
    expect(recipe.name).toBe(basename(file, '.yaml'))
    expect(recipe.paper ?? recipe.description).toMatch(/\w{3}/)
    const rows = [[1, 0, 0] as const, [1, 1, 0] as const, [0, 0, 1] as const, [0, 1, 0] as const]
    const statistics = labelStatistics(rows, LABELS.length)
    const vectors = {
      source: 'test',
      labels: LABELS.map((_, i) => LABELS.map((_, j) => (i === j ? 1 : 0.1))),
      prompt: [[0.1, 0.2, 0.3]],
    }
    manualSeed(1)
    const { backbone } = recipe.model
    scope(() => {
      const model = new Classifier(
        {
          backbone: { ...backbone, name: LIGHTER[backbone.name] ?? backbone.name },
          head: recipe.model.head,
          inChannels: recipe.data.channels,
          size: 64,
          labels: LABELS,
          mean: [0.5],
          std: [0.25],
        },
        { statistics, vectors },
      ).train()
      const loss = makeLoss(recipe.loss, { labels: LABELS, statistics })
      const output = model.outputs(randn([4, recipe.data.channels, 64, 64]))
      const value = loss(output.logits, randn([4, LABELS.length]).gt(0).float(), output)
      value.backward()
      expect(Number.isFinite(value.item())).toBe(true)
      expect(model.parameters().some((parameter) => parameter.grad !== null)).toBe(true)
    })
  })
})
