/** What holds for every backbone and head of the registry. A new entry is checked without a new test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  aten,
  autocast,
  loadSafetensors,
  manualSeed,
  nn,
  noGrad,
  ones,
  randn,
  saveSafetensors,
  scope,
  type Tensor,
} from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bce } from '../src/losses/bce.js'
import { Classifier } from '../src/models/classifier.js'
import { METADATA_FEATURES } from '../src/models/metadata.js'
import type { Part } from '../src/models/part.js'
import { backbones } from '../src/models/registry.js'
import { LABELS, statistics, vectors } from './model-example.js'

// Measured below: the whole registry, four seeds, on a Zen 4 with AVX-512 and its bfloat16.

/**
 * The least share of the values of a map, and of logits, that has to differ from image to image. Measured: 0.006 and more.
 * A network that ignores its input makes 2e-5, by rounding.
 */
const SEEN = 1e-3

/**
 * How far two ways to the same numbers may be apart, as a share of what tells the images apart. Rounding of float32 makes
 * 3e-5 and less; images that get into each other or are read in the wrong order, about 1.
 */
const ROUNDING = 3e-4

/**
 * The same in bfloat16, whose numbers have 8 bits. Measured: 0.01 for transformers, 0.03 to 0.15 for the maps of networks
 * with batch norm and 0.21 for one's logits. Noise makes 1 and more, a single layer of noise in the middle 0.5 and more.
 */
const ROUNDING_BFLOAT16 = 0.4

/** Training counts as random from this share on. Measured: 0.28 and more, where there is else no more than rounding. */
const RANDOM = 0.01

/** With fewer, the last norms' statistics rest on a handful of values, and rounding errors grow severalfold. */
const IMAGES_TO_SETTLE = 8
/** What the checks run on: the first of those. */
const IMAGES_TO_CHECK = 4

/** Images and what heads get beside them. */
export interface Batch {
  /** [N, channels, side, side], volumes with one side more. */
  pixels: Tensor
  /** The same for every image: what tells the logits of two apart is what the network saw. */
  metadata: Tensor
}

/** A classifier on the labels of the examples. */
export function makeClassifier(backbone: string, head: Part, inChannels: number, size: number): Classifier {
  manualSeed(0)
  const mean = new Array<number>(inChannels).fill(0.5)
  return new Classifier(
    { backbone: { name: backbone }, head, inChannels, size, labels: LABELS, mean, std: mean },
    { statistics, vectors },
  )
}

/** Images of large grey squares and some noise. Of noise alone, networks that average see the same in all. */
export function makeImages(count: number, { settings }: Classifier): Batch {
  const { dims } = backbones[settings.backbone.name]
  const { inChannels, size } = settings
  const square = 16
  const shape = (batch: number, channels: number, side: number): number[] => [
    batch,
    channels,
    ...new Array<number>(dims).fill(side),
  ]
  manualSeed(1)
  return scope(() => {
    const coarse = randn(shape(count, inChannels, Math.ceil(size / square)))
    let pixels = aten.kron.default(coarse, ones(shape(1, 1, square)))
    for (let side = 2; side < pixels.dim; side++) pixels = pixels.slice(side, 0, size)
    const noise = randn(shape(count, inChannels, size)).mul(0.2)
    return {
      pixels: pixels.add(noise),
      metadata: randn([1, METADATA_FEATURES]).expand(count, -1).contiguous(),
    }
  })
}

const first = ({ pixels, metadata }: Batch, count: number): Batch => ({
  pixels: pixels.slice(0, 0, count),
  metadata: metadata.slice(0, 0, count),
})

interface Outputs {
  /** The backbone's last feature map: pooling hides what stands in a wrong place. */
  map: Tensor
  logits: Tensor
}

function outputsOf({ backbone, head }: Classifier, batch: Batch): Outputs {
  return noGrad(() =>
    scope(() => {
      const features = backbone.forward(batch.pixels)
      return { map: features.map, logits: head.forward({ ...features, ...batch, known: null }).logits }
    }),
  )
}

const logitsOf = (model: Classifier, { pixels, metadata }: Batch): Tensor =>
  noGrad(() => scope(() => model.forward(pixels, { metadata })))

/** Root mean square. */
const sizeOf = (x: Tensor): number => scope(() => x.float().mul(x.float()).mean().sqrt().item())

const distance = (a: Tensor, b: Tensor): number => scope(() => sizeOf(a.float().sub(b.float())))

/**
 * How far the images of a batch are from what they have in common. Throws where it is next to nothing: a network that ignores
 * its input agrees with itself whatever it computes.
 */
function spreadOf(x: Tensor, what: string): number {
  const spread = scope(() => sizeOf(x.sub(x.mean([0], true))))
  expect(spread / sizeOf(x), `what tells the images apart in the ${what}`).toBeGreaterThan(SEEN)
  return spread
}

/** Throws where maps or logits are further apart than this share of what tells the images apart. */
function expectSame(found: Outputs, expected: Outputs, share: number): void {
  for (const what of ['map', 'logits'] as const) {
    const difference = distance(found[what], expected[what]) / spreadOf(expected[what], what)
    expect(difference, `difference of the ${what}`).toBeLessThan(share)
  }
}

/**
 * Makes a new network as telling as a trained one: as they are made, the features of MobileNet-V2 shrink until two images
 * are 5e-10 apart, and ConvNeXt's blocks, scaled by 1e-6, could compute anything.
 *
 * Norms get the statistics of these images, from one pass. Their shifts become positive, which opens most activations:
 * with half of them closed, deep networks make a thousandfold of every rounding, and in bfloat16 noise of everything.
 */
export function settle(model: Classifier, batch: Batch): void {
  const norms = Array.from(model.namedModules(), ([, part]) => part).filter(
    (part) => part instanceof nn.BatchNorm,
  )
  noGrad(() => {
    for (const parameter of model.parameters()) {
      const [least, most] = scope(() => [parameter.min().item(), parameter.max().item()])
      if (least !== most || Math.abs(most) > 1e-3) continue
      // Biases have one dimension. Scales of residual branches have more, and make up for how little new branches give.
      const bound = parameter.dim === 1 ? 0.1 : 2
      parameter.uniform_(-bound, bound)
    }
    model.eval()
    for (const norm of norms) {
      norm.bias?.uniform_(0.5, 1.5)
      norm.running_mean.zero_()
      norm.running_var.zero_()
      norm.train()
    }
    outputsOf(model, batch)
    // From zero, one pass gives this share of the batch's statistics.
    for (const norm of norms) {
      norm.running_mean.div_(norm.momentum)
      norm.running_var.div_(norm.momentum)
    }
  })
  model.eval()
}

const isRandom = (part: nn.AnyModule): boolean =>
  part instanceof nn.BatchNorm ||
  ((part instanceof nn.Dropout || part instanceof nn.StochasticDepth) && part.p > 0)

/** Two images by themselves, and the same two among all of the batch. */
function aloneAndAmong(model: Classifier, batch: Batch): [Outputs, Outputs] {
  const alone = outputsOf(model, first(batch, 2))
  const { map, logits } = outputsOf(model, batch)
  return [alone, { map: map.slice(0, 0, 2), logits: logits.slice(0, 0, 2) }]
}

/** Of a settled model. Each leaves it in another state, as the next ones can take it in this order. */
export const checks = {
  'evaluation does not depend on the batch': (model, batch) => {
    expectSame(...aloneAndAmong(model.eval(), batch), ROUNDING)
  },

  'comes back from a file with the same logits, without what it was initialised with': (model, batch) => {
    const folder = mkdtempSync(join(tmpdir(), 'plurad-model-'))
    const other = new Classifier(model.settings).eval()
    try {
      const file = join(folder, 'model.safetensors')
      saveSafetensors(file, model.eval().stateDict())
      const numbers = (network: Classifier): number[] => logitsOf(network, batch).toFlatArray()
      expect(numbers(other)).not.toEqual(numbers(model))
      other.loadStateDict(loadSafetensors(file).tensors)
      expect(numbers(other)).toEqual(numbers(model))
    } finally {
      dispose(other)
      rmSync(folder, { recursive: true })
    }
  },

  'bfloat16 gives nearly the same': (model, batch) => {
    const plain = outputsOf(model.eval(), batch)
    const half = autocast({}, () => outputsOf(model, batch))
    expectSame(half, plain, ROUNDING_BFLOAT16)
    expect(distance(half.logits, plain.logits), 'as if not in bfloat16').toBeGreaterThan(0)
  },

  'channels_last gives the same': (model, batch) => {
    const plain = outputsOf(model.eval(), batch)
    const memoryFormat = batch.pixels.dim === 4 ? 'channels_last' : 'channels_last_3d'
    const pixels = batch.pixels.contiguous(memoryFormat)
    expect(pixels.isContiguous()).toBe(false)
    expectSame(outputsOf(model.to({ memoryFormat }), { ...batch, pixels }), plain, ROUNDING)
  },

  'training depends on the batch or on chance where a part says so': (model, batch) => {
    const [alone, among] = aloneAndAmong(model.train(), batch)
    const random = [...model.namedModules()].some(([, part]) => isRandom(part))
    if (!random) expectSame(alone, among, ROUNDING)
    else {
      const difference = distance(alone.logits, among.logits) / spreadOf(among.logits, 'logits')
      expect(difference).toBeGreaterThan(RANDOM)
    }
  },
} satisfies Record<string, (model: Classifier, batch: Batch) => void>

/** Names of the parameters to which the loss of a training step sends nothing, or what is no number. */
export function withoutGradient(model: Classifier, { pixels, metadata }: Batch): string[] {
  model.train()
  // A branch that is dropped for all images has no gradient.
  const drops = Array.from(model.namedModules(), ([, part]) => part)
    .filter((part) => part instanceof nn.StochasticDepth)
    .map((part) => ({ part, p: part.p }))
  for (const { part } of drops) part.p = 0
  const loss = scope(() => {
    const { logits, branches = [] } = model.outputs(pixels, { metadata })
    const targets = randn(logits.shape).gt(0).float()
    return branches.reduce(
      (sum, branch) => sum.add(bce(branch.logits, targets).mul(branch.weight)),
      bce(logits, targets),
    )
  })
  loss.backward()
  for (const { part, p } of drops) part.p = p
  return [...model.namedParameters()].flatMap(([name, parameter]) => {
    const size = scope(() => (parameter.grad ? sizeOf(parameter.grad) : 0))
    parameter.grad = null
    return size > 0 && Number.isFinite(size) ? [] : [name]
  })
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Frees the weights now: the collector sees small objects, and lets networks and what they were made with pile up. */
function dispose(model: Classifier): void {
  for (const value of model.stateDict().values()) value.dispose()
  collect()
}

/** Tests of one backbone under one head, on images so small that the last map has two positions a side. */
export function testContract(backbone: string, head: Part): void {
  const { dims, smallest, multiple } = backbones[backbone]
  const small = Math.ceil(Math.max(dims === 3 ? 48 : 64, 1.5 * smallest) / multiple) * multiple
  const large = small + Math.max(32, multiple)

  function expectLogits(model: Classifier, count: number): void {
    scope(() => {
      const logits = logitsOf(model.eval(), makeImages(count, model))
      expect(logits.shape).toEqual([count, LABELS.length])
      expect(logits.toFlatArray().every(Number.isFinite)).toBe(true)
    })
  }

  describe(`${backbone} with head ${JSON.stringify(head)}`, () => {
    // One for all tests: to fill a network of 200 million weights takes longer than everything that is done with it.
    let model: Classifier
    beforeAll(() => {
      model = makeClassifier(backbone, head, 3, small)
    })
    afterAll(() => {
      dispose(model)
    })

    test('gives one finite logit a label, for 1 and 3 channels, two sizes and one image', () => {
      expectLogits(model, 2)
      const other = makeClassifier(backbone, head, 1, large)
      expectLogits(other, 1)
      dispose(other)
    })

    test('the backbone says the truth about its features', () => {
      scope(() => {
        const { backbone: network } = model.eval()
        expect(network.dims).toBe(dims)
        const { map, stages, token } = noGrad(() => network.forward(makeImages(1, model).pixels))
        expect(map.dim).toBe(dims + 2)
        expect(map.size(1)).toBe(network.featureChannels)
        // Networks without padding lose up to two positions at the edges.
        expect(Math.abs(map.size(2) - small / network.reduction)).toBeLessThanOrEqual(2)
        expect(stages.map((stage) => stage.size(1))).toEqual(network.stageChannels)
        for (const stage of stages) expect(stage.size(2)).toBeGreaterThanOrEqual(map.size(2))
        if (token !== null) expect(token.shape).toEqual([1, network.featureChannels])
        if (network.stem !== null) expect(network.stateDict().get(network.stem)?.size(1)).toBe(3)
      })
    })

    test('sends a gradient to every parameter', () => {
      scope(() => {
        expect(withoutGradient(model, makeImages(IMAGES_TO_CHECK, model))).toEqual([])
      })
    })

    describe('settled', () => {
      beforeAll(() => {
        scope(() => {
          settle(model, makeImages(IMAGES_TO_SETTLE, model))
        })
      })

      test.each(Object.entries(checks))('%s', (_title, check) => {
        scope(() => {
          check(model, first(makeImages(IMAGES_TO_SETTLE, model), IMAGES_TO_CHECK))
        })
      })
    })
  })
}
