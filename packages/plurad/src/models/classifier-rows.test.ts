/** Of every head that says where its classifier is: the rows are all that tells labels apart. */
import { manualSeed, noGrad, randn, scope, tensor, zeros } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { LABELS, statistics, vectors } from '../../test/model-example.js'
import { Classifier } from './classifier.js'
import { METADATA_FEATURES } from './metadata.js'
import type { Part } from './part.js'
import { heads } from './registry.js'

/** The smallest that inception_v3 takes, nearly. */
const SIZE = 80
const BIASES = [0.25, -1.5, 3]

function make(backbone: string, head: Part): Classifier {
  manualSeed(0)
  return new Classifier(
    {
      backbone: { name: backbone },
      head,
      inChannels: 1,
      size: SIZE,
      labels: LABELS,
      mean: [0.5],
      std: [0.5],
    },
    { statistics, vectors },
  ).eval()
}

function logitsOf(model: Classifier): number[] {
  return noGrad(() =>
    scope(() => {
      manualSeed(1)
      return model
        .forward(randn([2, 1, SIZE, SIZE]), { metadata: zeros([2, METADATA_FEATURES]) })
        .toFlatArray()
    }),
  )
}

/** Logits are x = w f + b: with the rows at zero they are the biases, with one row doubled its label's part doubles. */
function expectRows(model: Classifier): void {
  const rows = model.head.classifierRows()
  if (rows === null) throw new Error('there are no rows')
  const { weight, bias, normalised } = rows
  expect(weight.size(0)).toBe(LABELS.length)
  expect([weight, ...(bias ? [bias] : [])].every((own) => model.parameters().includes(own))).toBe(true)
  noGrad(() =>
    scope(() => {
      bias?.zero_()
      const before = logitsOf(model)
      weight.select(0, 1).mul_(2)
      const doubled = normalised
        ? before
        : before.map((value, i) => (i % LABELS.length === 1 ? 2 * value : value))
      logitsOf(model).forEach((value, i) => expect(value).toBeCloseTo(doubled[i], 4))
      weight.zero_()
      bias?.copy_(tensor(BIASES))
      const expected = bias ? [...BIASES, ...BIASES] : BIASES.concat(BIASES).map(() => 0)
      expect(logitsOf(model)).toEqual(expected)
    }),
  )
}

/** Logits that are not one layer's: a network a label, a mean of three branches, classifiers from a graph or from text. */
const WITHOUT = ['per_label_mlp', 'class_attention', 'ml_gcn', 'metric']

describe('classifierRows', () => {
  test.each(Object.keys(heads).filter((name) => !WITHOUT.includes(name)))('%s', (name) => {
    scope(() => expectRows(make('resnet18', { name })))
  })

  test.each(WITHOUT)('%s has none', (name) => {
    expect(scope(() => make('resnet18', { name }).head.classifierRows())).toBeNull()
  })

  // Those with several layers, or a branch; all others end in one linear layer like resnet18's.
  test.each(['guita_cnn', 'inception_v3', 'mobilenet_v3_small'])("%s' own", (backbone) => {
    scope(() => expectRows(make(backbone, { name: 'published' })))
  })

  test('ml_decoder has none where labels share a query', () => {
    expect(scope(() => make('resnet18', { name: 'ml_decoder', groups: 2 }).head.classifierRows())).toBeNull()
  })
})
