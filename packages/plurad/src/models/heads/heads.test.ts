/** Heads against an independent calculation: test/fixtures/models/make_heads.py. */
import { readFileSync } from 'node:fs'
import { fromTypedArray, noGrad, scope, tensor, zeros, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { fillByKey, uniform } from '../../../test/fill.js'
import { Backbone, type Features } from '../backbone.js'
import type { HeadContext, HeadInput } from '../head.js'
import { heads } from '../registry.js'
import { bilinearPool } from './bilinear.js'
import { cropRegion } from './class-attention.js'
import { labelPositions } from './ldrnet.js'
import { labelGraph } from './ml-gcn.js'

interface Reference {
  graph: { positives: number[]; together: number[][]; adjacency: number[][] }
  bilinear: { a: number[][][][]; b: number[][][][]; pooled: number[][] }
  location_attention: number[][]
  ldrnet: { classFeatures: number[]; logits: number[][] }
  query2label: number[][]
  cosine: number[][]
}

const reference = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/models/heads.json', import.meta.url), 'utf8'),
) as Reference

const [BATCH, CHANNELS, SIDE, LABELS] = [2, 8, 3, ['a', 'b', 'c']]

/** Stands for a backbone of 8 channels. */
class Fixed extends Backbone {
  readonly featureChannels = CHANNELS
  readonly stageChannels = [CHANNELS]
  readonly reduction = 1
  readonly stem = null
  forward(pixels: Tensor): Features {
    return { map: pixels, stages: [pixels], token: null }
  }
  publishedClassifier(): never {
    throw new Error('not needed')
  }
}

const context = (more: Partial<HeadContext> = {}): HeadContext => ({
  backbone: new Fixed(),
  labels: LABELS,
  makeBackbone: () => new Fixed(),
  statistics: null,
  vectors: null,
  vectorShape: null,
  ...more,
})

function input(): HeadInput {
  const values = uniform(5, BATCH * CHANNELS * SIDE * SIDE).map((v) => 2 * v - 1)
  const map = fromTypedArray(values, [BATCH, CHANNELS, SIDE, SIDE])
  return { map, stages: [map], token: null, pixels: map, metadata: null, known: null }
}

/** The head with its parameters from the hash; buffers stay as they were made. */
function filled(name: string, options: object, more: Partial<HeadContext> = {}) {
  const head = heads[name].make(context(more), options).eval()
  const buffers = new Map(Array.from(head.namedBuffers(), ([key, value]) => [key, value.toFlatArray()]))
  head.to({ dtype: 'float64' })
  fillByKey(head, (key) => key)
  noGrad(() => {
    for (const [key, value] of head.namedBuffers()) value.copyFrom(Float64Array.from(buffers.get(key) ?? []))
  })
  return head
}

function expectNumbers(found: Tensor, expected: readonly number[]): void {
  found.toFlatArray().forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6))
  expect(found.numel).toBe(expected.length)
}

describe('against numpy and PyTorch', () => {
  test("ML-GCN's graph of a label matrix made by hand", () => {
    const { positives, together, adjacency } = reference.graph
    const graph = labelGraph({ images: 8, known: [8, 8, 8, 8], positives, together }, 0.4, 0.2)
    graph.flat().forEach((value, i) => expect(value).toBeCloseTo(adjacency.flat()[i], 12))
    expect(graph[3]).toEqual([0, 0, 0, 1])
  })

  test('bilinear pooling', () => {
    scope(() => {
      const [a, b] = [reference.bilinear.a, reference.bilinear.b].map((values) =>
        tensor(values, { dtype: 'float64' }),
      )
      expectNumbers(bilinearPool(a, b), reference.bilinear.pooled.flat())
    })
  })

  test.each([
    ['location_attention', {}, reference.location_attention],
    [
      'query2label',
      { dim: 8, heads: 2, feed_forward: 16, dropout: 0, encoder_layers: 1, decoder_layers: 1 },
      reference.query2label,
    ],
    ['cosine', {}, reference.cosine],
  ])('%s', (name, options, expected) => {
    scope(() => expectNumbers(filled(name, options).forward(input()).logits, expected.flat()))
  })

  test("LDRNet's stage 1: prompt, labels and positions before the map, the labels' outputs selected", () => {
    const vectors = {
      source: 'test',
      labels: LABELS.map(() => [0, 0, 0, 0]),
      prompt: [
        [0.1, 0.2, 0.3, 0.4],
        [0.4, 0.3, 0.2, 0.1],
      ],
    }
    scope(() => {
      const head = filled(
        'ldrnet',
        { heads: 2, layers: 1, feed_forward: 16, dropout: 0 },
        { vectors, vectorShape: { dim: 4, words: 2 } },
      )
      const { logits, classFeatures = zeros([0]) } = head.forward(input())
      expectNumbers(classFeatures, reference.ldrnet.classFeatures)
      expectNumbers(logits, reference.ldrnet.logits.flat())
    })
    expect(labelPositions(9, 3)).toEqual({ start: 6, end: 9 })
  })
})

describe('attention', () => {
  test.each(['location_attention', 'class_attention', 'query2label', 'ml_decoder'])(
    'of %s sums to one',
    (name) => {
      scope(() => {
        const { attention } = heads[name]
          .make(context(), {})
          .eval()
          .forward({ ...input(), ...single(input()) })
        expect(attention?.shape.slice(-2)).toEqual([SIDE, SIDE])
        for (const sum of attention?.flatten(2).sum(2).toFlatArray() ?? [0]) expect(sum).toBeCloseTo(1, 5)
      })
    },
  )
})

/** In single precision, as the heads are made. */
function single({ map }: HeadInput): Partial<HeadInput> {
  const single = map.float()
  return { map: single, pixels: single, stages: [single] }
}

test('a region is cut out by its box and stretched', () => {
  scope(() => {
    // A 4x4 image of its own column numbers; the right half, rows 1 and 2, is lit.
    const row = [0, 1, 2, 3]
    const pixels = tensor([[[row, row, row, row]]])
    const heat = tensor([
      [
        [
          [0, 0, 0, 0],
          [0, 0, 1, 0.9],
          [0, 0, 0.2, 1],
          [0, 0, 0, 0],
        ],
      ],
    ])
    const region = cropRegion(pixels, heat, 0.7)
    expect(region.shape).toEqual([1, 1, 4, 4])
    // Columns 2 and 3 span four: sampled at 1.75, 2.25, 2.75 and 3.25, which is past the last pixel's middle.
    const expected = [1.75, 2.25, 2.75, 3]
    const found = region.toFlatArray().slice(4, 8)
    expected.slice(0, 3).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5))
  })
})

test('ML-GCN says when its graph is empty', () => {
  const lonely = {
    images: 10,
    known: [10, 10, 10],
    positives: [3, 3, 3],
    together: [
      [3, 0, 0],
      [0, 3, 0],
      [0, 0, 3],
    ],
  }
  const vectors = { source: 'test', labels: [[1], [2], [3]], prompt: [] }
  const make = (statistics: HeadContext['statistics']) =>
    heads['ml_gcn'].make(context({ statistics, vectors, vectorShape: { dim: 1, words: 0 } }), {})
  expect(make(lonely).notes.join()).toMatch(/label graph is empty.*threshold/s)
  expect(
    make({
      ...lonely,
      together: [
        [3, 2, 0],
        [2, 3, 0],
        [0, 0, 3],
      ],
    }).notes,
  ).toEqual([])
})

test.each(['ml_gcn', 'metric', 'ldrnet'])('%s without label vectors says what to set', (name) => {
  expect(() => heads[name].make(context(), {})).toThrow(/model\.label_vectors/)
})

test('C-Tran looks at what is known', () => {
  scope(() => {
    const head = heads['c_tran'].make(context(), { heads: 2, feed_forward: 16 }).eval()
    const given = { ...input(), ...single(input()) }
    const logits = (known: Tensor | null): number[] => head.forward({ ...given, known }).logits.toFlatArray()
    const unknown = logits(null)
    expect(
      logits(
        tensor([
          [NaN, NaN, NaN],
          [NaN, NaN, NaN],
        ]),
      ),
    ).toEqual(unknown)
    expect(
      logits(
        tensor([
          [1, NaN, NaN],
          [NaN, NaN, NaN],
        ]),
      ).slice(0, 3),
    ).not.toEqual(unknown.slice(0, 3))
    expect(
      logits(
        tensor([
          [1, NaN, NaN],
          [NaN, NaN, NaN],
        ]),
      ).slice(3),
    ).toEqual(unknown.slice(3))
  })
})
