/** The contract of every backbone and head in the registry. A new entry is checked without a new test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  autocast,
  loadSafetensors,
  manualSeed,
  nn,
  noGrad,
  randn,
  saveSafetensors,
  scope,
  type Tensor,
} from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { RecipeError } from '../errors.js'
import { bce } from '../losses/bce.js'
import { Classifier } from './classifier.js'
import { backbones, heads, lookUp } from './registry.js'

const LABELS = ['a', 'b', 'c']

function make(backbone: string, head: string, inChannels = 1, size = 64): Classifier {
  manualSeed(0)
  const mean = new Array<number>(inChannels).fill(0.5)
  return new Classifier({
    backbone: { name: backbone },
    head: { name: head },
    inChannels,
    size,
    labels: LABELS,
    mean,
    std: mean,
  })
}

function largestDifference(a: Tensor, b: Tensor): number {
  return scope(() => a.detach().float().sub(b.detach().float()).abs().max().item())
}

// Every backbone with the plainest head, every head on the lightest backbone.
const pairs = [
  ...Object.keys(backbones).map((backbone) => [backbone, 'linear'] as const),
  ...Object.keys(heads)
    .filter((head) => head !== 'linear')
    .map((head) => ['densenet121', head] as const),
]

describe.each(pairs)('%s with head %s', (backbone, head) => {
  test('gives one finite logit a label, for 1 and 3 channels, two sizes and one image', () => {
    for (const [channels, size, batch] of [
      [1, 64, 2],
      [3, 96, 1],
    ] as const) {
      const model = make(backbone, head, channels, size).eval()
      const logits = noGrad(() => scope(() => model.forward(randn([batch, channels, size, size]))))
      expect(logits.shape).toEqual([batch, LABELS.length])
      expect(logits.toFlatArray().every(Number.isFinite)).toBe(true)
    }
  })

  test('the backbone says the truth about its feature map', () => {
    const { backbone: network } = make(backbone, head).eval()
    scope(() => {
      const { map, stages, token } = noGrad(() => network.forward(randn([1, 1, 64, 64])))
      const side = 64 / network.reduction
      expect(map.shape).toEqual([1, network.featureChannels, side, side])
      expect(stages.map((stage) => stage.size(1))).toEqual(network.stageChannels)
      for (const stage of stages) expect(stage.size(2)).toBeGreaterThanOrEqual(side)
      if (token !== null) expect(token.shape).toEqual([1, network.featureChannels])
    })
    expect(network.stateDict().get(network.stem)?.size(1)).toBe(1)
  })

  test('sends a gradient to every parameter', () => {
    const model = make(backbone, head).train()
    const loss = scope(() => {
      const targets = randn([4, LABELS.length]).gt(0).float()
      return bce(model.forward(randn([4, 1, 64, 64])), targets)
    })
    loss.backward()
    const without = [...model.namedParameters()].filter(
      ([, parameter]) => scope(() => parameter.grad?.abs().sum().item() ?? 0) === 0,
    )
    expect(without.map(([name]) => name)).toEqual([])
  })

  test('evaluation does not depend on the batch, training does', () => {
    const model = make(backbone, head)
    const x = randn([3, 1, 64, 64])
    const alone = (): Tensor => noGrad(() => scope(() => model.forward(x.slice(0, 0, 2))))
    const among = (): Tensor => noGrad(() => scope(() => model.forward(x).slice(0, 0, 2)))
    model.eval()
    expect(largestDifference(alone(), among())).toBeLessThan(1e-4)
    model.train()
    const random = [...model.namedModules()].some(
      ([, part]) =>
        part instanceof nn.BatchNorm ||
        ((part instanceof nn.Dropout || part instanceof nn.StochasticDepth) && part.p > 0),
    )
    if (random) expect(largestDifference(alone(), among())).toBeGreaterThan(1e-6)
    else expect(largestDifference(alone(), among())).toBeLessThan(1e-4)
  })

  test('channels_last gives the same logits, bfloat16 nearly the same', () => {
    const model = make(backbone, head).eval()
    const x = randn([2, 1, 64, 64])
    const plain = noGrad(() => scope(() => model.forward(x)))
    model.to({ memoryFormat: 'channels_last' })
    const last = noGrad(() => scope(() => model.forward(x.contiguous('channels_last'))))
    const scale = Math.max(1, ...plain.toFlatArray().map(Math.abs))
    expect(largestDifference(plain, last) / scale).toBeLessThan(1e-4)
    const half = noGrad(() => scope(() => autocast({}, () => model.forward(x))))
    expect(largestDifference(plain, half) / scale).toBeLessThan(0.1)
  })

  test('comes back from a file with the same logits', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plurad-model-'))
    try {
      const file = join(folder, 'model.safetensors')
      const model = make(backbone, head).eval()
      saveSafetensors(file, model.stateDict())
      const other = new Classifier(model.settings).eval()
      const x = randn([2, 1, 64, 64])
      const run = (network: nn.Module): number[] =>
        noGrad(() => scope(() => network.forward(x).toFlatArray()))
      expect(run(other)).not.toEqual(run(model))
      scope(() => other.loadStateDict(loadSafetensors(file).tensors))
      expect(run(other)).toEqual(run(model))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test('a misspelt name is answered with the nearest one', () => {
  expect(() => lookUp(backbones, 'backbone', 'densnet121')).toThrow(RecipeError)
  expect(() => lookUp(backbones, 'backbone', 'densnet121')).toThrow(/did you mean 'densenet121'/)
  expect(() => lookUp(backbones, 'backbone', 'toString')).toThrow(RecipeError)
})
