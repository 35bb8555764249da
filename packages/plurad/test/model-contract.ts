/** What holds for every backbone and head of the registry. A new entry is checked without a new test. */
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
  zeros,
  type Tensor,
} from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { bce } from '../src/losses/bce.js'
import { Classifier } from '../src/models/classifier.js'
import { METADATA_FEATURES } from '../src/models/metadata.js'
import type { Part } from '../src/models/part.js'
import { backbones } from '../src/models/registry.js'
import { LABELS, statistics, vectors } from './model-example.js'

function make(backbone: string, head: Part, inChannels: number, size: number): Classifier {
  manualSeed(0)
  const mean = new Array<number>(inChannels).fill(0.5)
  return new Classifier(
    { backbone: { name: backbone }, head, inChannels, size, labels: LABELS, mean, std: mean },
    { statistics, vectors },
  )
}

function largestDifference(a: Tensor, b: Tensor): number {
  return scope(() => a.detach().float().sub(b.detach().float()).abs().max().item())
}

const isRandom = (part: nn.AnyModule): boolean =>
  part instanceof nn.BatchNorm ||
  ((part instanceof nn.Dropout || part instanceof nn.StochasticDepth) && part.p > 0)

/**
 * Tests of one backbone under one head, on images as small as the backbone allows.
 *
 * @param depth `shapes`: without gradients, formats and files, for larger siblings of a network that has them all
 */
export function testContract(backbone: string, head: Part, depth: 'all' | 'shapes' = 'all'): void {
  const { dims, smallest, multiple } = backbones[backbone]
  const small = Math.max(dims === 3 ? 32 : 64, Math.ceil(smallest / multiple) * multiple)
  const large = small + Math.max(32, multiple)
  const image = (batch: number, channels: number, size: number): Tensor =>
    randn([batch, channels, ...new Array<number>(dims).fill(size)])
  const metadata = (batch: number): Tensor => zeros([batch, METADATA_FEATURES])
  const run = (model: Classifier, x: Tensor): Tensor =>
    noGrad(() => scope(() => model.forward(x, { metadata: metadata(x.size(0)) })))

  describe(`${backbone} with head ${head.name}`, () => {
    test('gives one finite logit a label, for 1 and 3 channels, two sizes and one image', () => {
      for (const [channels, size, batch] of [
        [1, small, 2],
        [3, large, 1],
      ] as const) {
        scope(() => {
          const model = make(backbone, head, channels, size).eval()
          const logits = run(model, image(batch, channels, size))
          expect(logits.shape).toEqual([batch, LABELS.length])
          expect(logits.toFlatArray().every(Number.isFinite)).toBe(true)
        })
      }
    })

    test('the backbone says the truth about its features', () => {
      scope(() => {
        const { backbone: network } = make(backbone, head, 1, small).eval()
        expect(network.dims).toBe(dims)
        const { map, stages, token } = noGrad(() => network.forward(image(1, 1, small)))
        expect(map.dim).toBe(dims + 2)
        expect(map.size(1)).toBe(network.featureChannels)
        // Networks without padding lose up to two positions at the edges.
        expect(Math.abs(map.size(2) - small / network.reduction)).toBeLessThanOrEqual(2)
        expect(stages.map((stage) => stage.size(1))).toEqual(network.stageChannels)
        for (const stage of stages) expect(stage.size(2)).toBeGreaterThanOrEqual(map.size(2))
        if (token !== null) expect(token.shape).toEqual([1, network.featureChannels])
        if (network.stem !== null) expect(network.stateDict().get(network.stem)?.size(1)).toBe(1)
      })
    })

    if (depth === 'shapes') return

    test('sends a gradient to every parameter', () => {
      scope(() => {
        const model = make(backbone, head, 1, small).train()
        // A branch that is dropped for all four images has no gradient.
        for (const [, part] of model.namedModules()) if (part instanceof nn.StochasticDepth) part.p = 0
        const loss = scope(() => {
          const { logits, branches = [] } = model.outputs(image(4, 1, small), {
            metadata: randn([4, METADATA_FEATURES]),
          })
          const targets = randn([4, LABELS.length]).gt(0).float()
          return branches.reduce(
            (sum, branch) => sum.add(bce(branch.logits, targets).mul(branch.weight)),
            bce(logits, targets),
          )
        })
        loss.backward()
        const without = [...model.namedParameters()].filter(
          ([, parameter]) => scope(() => parameter.grad?.abs().sum().item() ?? 0) === 0,
        )
        expect(without.map(([name]) => name)).toEqual([])
      })
    })

    test('evaluation does not depend on the batch, training does where something is random', () => {
      scope(() => {
        const model = make(backbone, head, 1, small)
        const x = image(3, 1, small)
        const alone = (): Tensor => run(model, x.slice(0, 0, 2))
        const among = (): Tensor => run(model, x).slice(0, 0, 2)
        model.eval()
        const scale = Math.max(1, alone().abs().max().item())
        expect(largestDifference(alone(), among()) / scale).toBeLessThan(1e-4)
        model.train()
        const random = [...model.namedModules()].some(([, part]) => isRandom(part))
        if (random) expect(largestDifference(alone(), among())).toBeGreaterThan(1e-7)
        else expect(largestDifference(alone(), among()) / scale).toBeLessThan(1e-4)
      })
    })

    test('channels_last gives the same logits, bfloat16 nearly the same', () => {
      scope(() => {
        const model = make(backbone, head, 1, small).eval()
        const memoryFormat = dims === 2 ? 'channels_last' : 'channels_last_3d'
        const x = image(2, 1, small)
        const plain = run(model, x)
        const scale = Math.max(1, plain.abs().max().item())
        model.to({ memoryFormat })
        const last = run(model, x.contiguous(memoryFormat))
        expect(largestDifference(plain, last) / scale).toBeLessThan(1e-4)
        const half = autocast({}, () => run(model, x))
        expect(largestDifference(plain, half) / scale).toBeLessThan(0.1)
      })
    })

    test('comes back from a file with the same logits, without what it was initialised with', () => {
      const folder = mkdtempSync(join(tmpdir(), 'plurad-model-'))
      try {
        scope(() => {
          const file = join(folder, 'model.safetensors')
          const model = make(backbone, head, 1, small).eval()
          saveSafetensors(file, model.stateDict())
          const other = new Classifier(model.settings).eval()
          const x = image(2, 1, small)
          const numbers = (network: Classifier): number[] => run(network, x).toFlatArray()
          expect(numbers(other)).not.toEqual(numbers(model))
          other.loadStateDict(loadSafetensors(file).tensors)
          expect(numbers(other)).toEqual(numbers(model))
        })
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  })
}
