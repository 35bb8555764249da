import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fromTypedArray,
  full,
  manualSeed,
  noGrad,
  ones,
  randn,
  saveSafetensors,
  scope,
  tensor,
  zeros,
  type Tensor,
  type TensorFile,
} from '@plurad/torch'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fillByKey, uniform } from '../../../test/fill.js'
import { DataError } from '../../errors.js'
import { Classifier } from '../classifier.js'
import type { Part } from '../part.js'
import { readCheckpoint } from './checkpoint.js'
import { fitCheckpoint, type FitOptions } from './fit.js'
import { fitReportLines, type FitReport } from './report.js'
import { knownCheckpoint } from './sources.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-weights-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

interface Making {
  head?: string | Part
  labels?: readonly string[]
  inChannels?: number
  size?: number
}

function make(
  backbone: string,
  { head = 'published', labels = ['a', 'b', 'c'], inChannels = 3, size = 64 }: Making = {},
) {
  manualSeed(0)
  const mean = new Array<number>(inChannels).fill(0)
  const std = mean.map(() => 1)
  return new Classifier({
    backbone: { name: backbone },
    head: typeof head === 'string' ? { name: head } : head,
    inChannels,
    size,
    labels,
    mean,
    std,
  })
}

function load(tensors: ReadonlyMap<string, Tensor>, model: Classifier, options: FitOptions = {}): FitReport {
  const read = (key: string): Tensor => {
    const found = tensors.get(key)
    if (found === undefined) throw new Error(`${key} was not offered`)
    return found.detach()
  }
  const file: TensorFile = { entries: tensors, metadata: {}, lists: new Map(), read, close: () => undefined }
  return fitCheckpoint({ file: 'weights.pt', tensors: file, labels: null }, model, options)
}

/** The same by way of the disk. */
function loadFile(
  tensors: ReadonlyMap<string, Tensor>,
  model: Classifier,
  metadata: Record<string, string>,
): FitReport {
  const file = join(folder, 'weights.safetensors')
  saveSafetensors(file, tensors, metadata)
  const checkpoint = readCheckpoint(file)
  try {
    return fitCheckpoint(checkpoint, model)
  } finally {
    checkpoint.tensors.close()
  }
}

/** torchvision's names of a model with its published head, and their shapes. */
function publishedShapes(model: Classifier): Map<string, number[]> {
  return new Map(
    [...model.stateDict()].map(([key, value]) => [key.replace(/^(backbone|head)\./, ''), value.shape]),
  )
}

const numbers = (value: Tensor | undefined): number[] => scope(() => value?.float().toFlatArray() ?? [])

const first = (value: Tensor | undefined): number | undefined =>
  scope(() => value?.flatten().slice(0, 0, 1).item())

describe('torchvision', () => {
  const reference = JSON.parse(
    readFileSync(new URL('../../../test/fixtures/models/torchvision.json', import.meta.url), 'utf8'),
  ) as { labels: number; architectures: Record<string, { size: number; logits: number[] } | undefined> }

  test.each(['mobilenet_v3_small', 'resnet18'])(
    "%s: weights of a wrapped network load by key, and give torchvision's logits",
    (name) => {
      scope(() => {
        const { size, logits } = reference.architectures[name] ?? { size: 0, logits: [] }
        const labels = Array.from({ length: reference.labels }, (_, i) => `label ${i}`)
        const other = make(name, { size, labels }).to({ dtype: 'float64' })
        const filled = fillByKey(other, (key) => key.replace(/^(backbone|head)\./, ''))
        const wrapped = new Map([...filled].map(([key, value]) => [`state_dict.module.${key}`, value]))
        const model = make(name, { size, labels }).to({ dtype: 'float64' }).eval()
        const report = load(wrapped, model)
        expect([report.missing, report.unexpected, report.kept, report.changed]).toEqual([[], [], [], []])
        expect(report.prefix).toBe('state_dict.module.')
        const pixels = uniform(7, 2 * 3 * size * size).map((value) => 2 * value - 1)
        const out = noGrad(() => model.forward(fromTypedArray(pixels, [2, 3, size, size])))
        const scale = Math.max(...logits.map(Math.abs))
        out
          .toFlatArray()
          .forEach((value, i) => expect(Math.abs(value - logits[i]) / scale).toBeLessThan(1e-9))
      })
    },
  )
})

/** Keys of timm's networks in the order of its modules, as its source names them. */
const batchNorm = (name: string): string[] =>
  ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map((part) => `${name}.${part}`)
const affine = (name: string): string[] => [`${name}.weight`, `${name}.bias`]

function timmBlocks(
  stages: readonly number[],
  {
    squeezes,
    depthwiseFirst,
  }: { squeezes: (stage: number, block: number) => boolean; depthwiseFirst: boolean },
): string[] {
  return stages.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => i).flatMap((i) => {
      const at = (part: string): string => `blocks.${stage}.${i}.${part}`
      const squeeze = squeezes(stage, i)
        ? [...affine(at('se.conv_reduce')), ...affine(at('se.conv_expand'))]
        : []
      return stage === 0 && depthwiseFirst
        ? [
            at('conv_dw.weight'),
            ...batchNorm(at('bn1')),
            ...squeeze,
            at('conv_pw.weight'),
            ...batchNorm(at('bn2')),
          ]
        : [
            at('conv_pw.weight'),
            ...batchNorm(at('bn1')),
            at('conv_dw.weight'),
            ...batchNorm(at('bn2')),
            ...squeeze,
            at('conv_pwl.weight'),
            ...batchNorm(at('bn3')),
          ]
    }),
  )
}

const stemAndBlocks = (...of: Parameters<typeof timmBlocks>): string[] => [
  'conv_stem.weight',
  ...batchNorm('bn1'),
  ...timmBlocks(...of),
]
const always = (): boolean => true
const never = (): boolean => false

function timmVit(depth: number): string[] {
  const blocks = Array.from({ length: depth }, (_, i) =>
    ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'].flatMap((part) =>
      affine(`blocks.${i}.${part}`),
    ),
  )
  return [
    'cls_token',
    ...affine('patch_embed.proj'),
    'pos_embed',
    ...blocks.flat(),
    ...affine('norm'),
    ...affine('head'),
  ]
}

function timmSwin(depths: readonly number[], since09: boolean): string[] {
  const merging = (stage: number): string[] => [
    `layers.${stage}.downsample.reduction.weight`,
    ...affine(`layers.${stage}.downsample.norm`),
  ]
  const stages = depths.flatMap((depth, stage) => {
    const blocks = Array.from({ length: depth }, (_, i) => {
      const at = (part: string): string => `layers.${stage}.blocks.${i}.${part}`
      return [
        ...affine(at('norm1')),
        at('attn.relative_position_bias_table'),
        at('attn.relative_position_index'),
        ...affine(at('attn.qkv')),
        ...affine(at('attn.proj')),
        ...affine(at('norm2')),
        ...affine(at('mlp.fc1')),
        ...affine(at('mlp.fc2')),
      ]
    }).flat()
    if (since09) return [...(stage > 0 ? merging(stage) : []), ...blocks]
    return [...blocks, ...(stage + 1 < depths.length ? merging(stage) : [])]
  })
  return [
    ...affine('patch_embed.proj'),
    ...affine('patch_embed.norm'),
    ...stages,
    ...affine('norm'),
    ...affine(since09 ? 'head.fc' : 'head'),
  ]
}

function timmConvNext(depths: readonly number[]): string[] {
  const stages = depths.flatMap((depth, stage) => [
    ...(stage > 0
      ? [...affine(`stages.${stage}.downsample.0`), ...affine(`stages.${stage}.downsample.1`)]
      : []),
    ...Array.from({ length: depth }, (_, i) => [
      `stages.${stage}.blocks.${i}.gamma`,
      ...['conv_dw', 'norm', 'mlp.fc1', 'mlp.fc2'].flatMap((part) =>
        affine(`stages.${stage}.blocks.${i}.${part}`),
      ),
    ]).flat(),
  ])
  return [...affine('stem.0'), ...affine('stem.1'), ...stages, ...affine('head.norm'), ...affine('head.fc')]
}

/** The authors keep what lies between the stages apart. */
function facebookConvNext(depths: readonly number[]): string[] {
  return timmConvNext(depths).map((key) =>
    key
      .replace(/^stem\./, 'downsample_layers.0.')
      .replace(/^stages\.(\d+)\.downsample\./, 'downsample_layers.$1.')
      .replace(/^stages\.(\d+)\.blocks\./, 'stages.$1.')
      .replace('conv_dw', 'dwconv')
      .replace(/mlp\.fc([12])/, 'pwconv$1')
      .replace(/^head\.norm/, 'norm')
      .replace(/^head\.fc/, 'head'),
  )
}

/** Large networks take their time to be initialised. */
const made = new Map<string, Classifier>()
function once(backbone: string): Classifier {
  const model = made.get(backbone) ?? make(backbone)
  made.set(backbone, model)
  return model
}

describe("timm's names", () => {
  test.each<[string, string, string[]]>([
    [
      'efficientnet_b0',
      'timm',
      [
        ...stemAndBlocks([1, 2, 2, 3, 3, 4, 1], { squeezes: always, depthwiseFirst: true }),
        'conv_head.weight',
        ...batchNorm('bn2'),
        ...affine('classifier'),
      ],
    ],
    [
      'mobilenet_v2',
      'timm',
      [
        ...stemAndBlocks([1, 2, 3, 4, 3, 3, 1], { squeezes: never, depthwiseFirst: true }),
        'conv_head.weight',
        ...batchNorm('bn2'),
        ...affine('classifier'),
      ],
    ],
    [
      'mobilenet_v3_small',
      'timm',
      [
        ...stemAndBlocks([1, 2, 3, 2, 3], { squeezes: (stage) => stage !== 1, depthwiseFirst: true }),
        'blocks.5.0.conv.weight',
        ...batchNorm('blocks.5.0.bn1'),
        ...affine('conv_head'),
        ...affine('classifier'),
      ],
    ],
    [
      'mobilenet_v3_large',
      'timm',
      [
        ...stemAndBlocks([1, 2, 3, 4, 2, 3], {
          squeezes: (stage) => [2, 4, 5].includes(stage),
          depthwiseFirst: true,
        }),
        'blocks.6.0.conv.weight',
        ...batchNorm('blocks.6.0.bn1'),
        ...affine('conv_head'),
        ...affine('classifier'),
      ],
    ],
    ['convnext_tiny', 'timm', timmConvNext([3, 3, 9, 3])],
    ['convnext_tiny', 'facebookresearch/ConvNeXt', facebookConvNext([3, 3, 9, 3])],
    ['swin_t', 'timm', timmSwin([2, 2, 6, 2], false)],
    ['swin_t', 'timm', timmSwin([2, 2, 6, 2], true)],
    ['vit_s_16', 'timm', timmVit(12)],
  ])('%s of %s: every tensor finds its place, in the order of the network', (backbone, names, keys) => {
    scope(() => {
      const model = once(backbone)
      const shapes = publishedShapes(model)
      // The modules of both libraries come in the order in which pixels meet them.
      const order = [...shapes.keys()].filter((key) => key !== 'encoder.pos_embedding')
      if (shapes.has('encoder.pos_embedding')) order.splice(3, 0, 'encoder.pos_embedding')
      expect(keys).toHaveLength(order.length)
      const tensors = new Map(
        keys.map((key, i) => {
          const shape = shapes.get(order[i]) ?? []
          // One value stands for all: the checkpoint takes no memory.
          return [`model.${key}`, full([], i + 1).expand(...(key.endsWith('gamma') ? [shape[0]] : shape))]
        }),
      )
      const report = load(tensors, model)
      expect([report.names, report.missing, report.unexpected, report.kept]).toEqual([names, [], [], []])
      const state = new Map(
        [...model.stateDict()].map(([key, value]) => [key.replace(/^(backbone|head)\./, ''), value]),
      )
      order.forEach((key, i) => {
        if (!key.endsWith('relative_position_index'))
          expect([key, first(state.get(key))]).toEqual([key, i + 1])
      })
    })
  })

  test('vgg16: its convolutions over the whole map become linear layers', () => {
    scope(() => {
      const model = make('vgg16')
      const shapes = publishedShapes(model)
      const renamed: Record<string, string> = {
        'classifier.0': 'pre_logits.fc1',
        'classifier.3': 'pre_logits.fc2',
        'classifier.6': 'head.fc',
      }
      const tensors = new Map(
        [...shapes].map(([key, shape]) => {
          const layer = key.replace(/\.(weight|bias)$/, '')
          const name = Object.hasOwn(renamed, layer) ? key.replace(layer, renamed[layer]) : key
          const wide =
            key === 'classifier.0.weight'
              ? [4096, 512, 7, 7]
              : key === 'classifier.3.weight'
                ? [4096, 4096, 1, 1]
                : shape
          return [name, zeros([]).expand(...wide)]
        }),
      )
      const report = load(tensors, model)
      expect([report.missing, report.unexpected, report.kept]).toEqual([[], [], []])
      expect(report.changed.map(({ key }) => key)).toEqual([
        'head.classifier.0.weight',
        'head.classifier.3.weight',
      ])
    })
  })
})

describe('other names', () => {
  /** A densenet121 of constant tensors under other names. */
  const densenet = (rename: (key: string) => string): Map<string, Tensor> =>
    new Map(
      [...publishedShapes(make('densenet121'))].map(([key, shape], i) => [
        rename(key),
        ones(shape).mul(i + 1),
      ]),
    )

  test.each<[string, (key: string) => string, string]>([
    [
      'the files on download.pytorch.org',
      (key) => key.replace(/(denselayer\d+\.(norm|conv))([12])/, '$1.$3'),
      'torchvision before 0.3',
    ],
    [
      'MONAI',
      (key) => key.replace(/(denselayer\d+)\./, '$1.layers.').replace(/^classifier/, 'class_layers.out'),
      'MONAI',
    ],
    ["CheXNet's wrapper", (key) => `module.densenet121.${key}`, 'torchvision'],
    ['a network within others', (key) => `model.model.encoder.${key}`, 'torchvision'],
  ])('of %s', (_name, rename, names) => {
    scope(() => {
      const report = load(densenet(rename), make('densenet121'))
      expect([report.names, report.missing, report.unexpected]).toEqual([names, [], []])
    })
  })

  test('averaged weights are preferred, an optimiser is not looked at, counters may be missing', () => {
    scope(() => {
      const tensors = new Map<string, Tensor>()
      for (const [key, value] of densenet((name) => name)) {
        if (key.endsWith('num_batches_tracked')) continue
        tensors.set(`model.${key}`, value)
        tensors.set(`model_ema.${key}`, value.mul(2))
        tensors.set(`optimizer.state.${key}`, value.mul(3))
      }
      const model = make('densenet121')
      const report = load(tensors, model)
      expect([report.prefix, report.missing]).toEqual(['model_ema.', []])
      expect(report.elsewhere.length).toBe((2 * tensors.size) / 3)
      expect(first(model.stateDict().get('backbone.features.conv0.weight'))).toBe(2)
    })
  })

  test('a file of this toolkit loads its head too', () => {
    scope(() => {
      const source = make('resnet18', { head: 'linear' })
      const model = make('resnet18', { head: 'linear' })
      const report = load(source.stateDict(), model)
      expect([report.missing, report.unexpected, report.loaded.length]).toEqual([
        [],
        [],
        source.stateDict().size,
      ])
    })
  })
})

describe('other shapes', () => {
  /** The published network's response to the given images, before and after its weights went through `make`. */
  function compare(
    from: Making,
    to: Making,
    backbone: string,
    image: (channels: number) => Tensor,
  ): [number[], number[]] {
    return scope(() => {
      const source = make(backbone, from).eval()
      const model = make(backbone, to).eval()
      load(source.stateDict(), model)
      const run = (network: Classifier): number[] =>
        noGrad(() => network.forward(image(network.settings.inChannels))).toFlatArray()
      return [run(source), run(model)]
    })
  }

  test.each([1, 6])('%i input channels that are equal give what three give', (inChannels) => {
    const grey = uniform(2, 64 * 64)
    const image = (channels: number): Tensor =>
      fromTypedArray(Float32Array.from(grey), [1, 1, 64, 64]).expand(1, channels, 64, 64).contiguous()
    const [before, after] = compare({}, { inChannels }, 'resnet18', image)
    after.forEach((value, i) => expect(value).toBeCloseTo(before[i], 3))
  })

  test('a volume of equal slices gives what an image gives in the first layer', () => {
    scope(() => {
      const source = make('resnet18', { inChannels: 1 })
      const model = make('resnet3d18', { inChannels: 1 })
      const report = load(source.stateDict(), model)
      expect([report.missing, report.unexpected]).toEqual([[], []])
      const [flat, deep] = [source, model].map((network) => network.stateDict().get('backbone.conv1.weight'))
      expect(deep?.shape).toEqual([64, 1, 7, 7, 7])
      const sums = numbers(deep?.sum(2))
      numbers(flat).forEach((value, i) => expect(sums[i]).toBeCloseTo(value, 5))
    })
  })

  test('positions are interpolated, the class token stays', () => {
    scope(() => {
      const source = make('vit_s_16', { size: 32 })
      const model = make('vit_s_16', { size: 64 })
      const before = source.stateDict().get('backbone.encoder.pos_embedding')
      // A slope along the rows and one along the columns stay slopes, away from the edges.
      noGrad(() => {
        const grid = Array.from({ length: 4 }, (_, i) =>
          Array.from({ length: 384 }, () => Math.floor(i / 2) + 10 * (i % 2)),
        )
        before?.copy_(tensor([[new Array<number>(384).fill(7), ...grid]]))
      })
      const report = load(source.stateDict(), model)
      expect(report.changed).toEqual([{ key: 'backbone.encoder.pos_embedding', how: 'positions 2x2 -> 4x4' }])
      const after = model.stateDict().get('backbone.encoder.pos_embedding')
      expect(after?.shape).toEqual([1, 17, 384])
      const values = numbers(after?.select(2, 0))
      expect(values[0]).toBe(7)
      // torch.nn.functional.interpolate([[0, 10], [1, 11]], size=4, mode='bicubic')
      const expected = BICUBIC_4
      expected.forEach((value, i) => expect(values[i + 1]).toBeCloseTo(value, 4))
    })
  })

  test("Swin's biases of a window of 12 become ones of 7", () => {
    scope(() => {
      const source = once('swin_t')
      const tensors = new Map(
        [...source.stateDict()].map(([key, value]): [string, Tensor] =>
          key.endsWith('relative_position_bias_table')
            ? [key, full([], 3).expand(23 * 23, value.size(1))]
            : key.endsWith('relative_position_index')
              ? [key, zeros([144, 144], { dtype: 'int64' })]
              : [key, value],
        ),
      )
      const model = once('swin_t')
      const report = load(tensors, model)
      expect([report.missing, report.unexpected]).toEqual([[], []])
      expect(new Set(report.changed.map(({ how }) => how))).toEqual(new Set(['window 12 -> 7']))
      const table = model.stateDict().get('backbone.features.1.0.attn.relative_position_bias_table')
      expect(table?.shape).toEqual([169, 3])
      for (const value of numbers(table)) expect(value).toBeCloseTo(3, 5)
    })
  })

  test('another classifier stays as initialised, and the report says so', () => {
    scope(() => {
      const report = load(make('resnet18', { labels: ['x', 'y'] }).stateDict(), make('resnet18'))
      expect(report.kept).toEqual([
        { key: 'head.fc.weight', from: [2, 512], to: [3, 512], reason: 'another shape' },
        { key: 'head.fc.bias', from: [2], to: [3], reason: 'another shape' },
      ])
      expect(fitReportLines(report).join('\n')).toContain(
        'head.fc.weight: another shape, [2, 512] for [3, 512]',
      )
      for (const line of fitReportLines(report).slice(1)) expect(line.length).toBeLessThan(200)
      expect(JSON.parse(JSON.stringify(report))).toEqual(report)
    })
  })
})

describe('heads with a backbone of their own', () => {
  test.each([
    [{ name: 'bilinear' }, 'second'],
    [{ name: 'class_attention', local: 'crop' }, 'local_backbone'],
  ])('%o: it starts as the first does', (head, name) => {
    scope(() => {
      const source = make('resnet18', { inChannels: 1 })
      const model = make('resnet18', { head, inChannels: 3 })
      const { loaded, missing, changed } = load(source.stateDict(), model)
      const state = model.stateDict()
      const keys = [...state.keys()].filter((key) => key.startsWith('backbone.'))
      for (const key of keys)
        expect(numbers(state.get(key.replace('backbone', `head.${name}`)))).toEqual(numbers(state.get(key)))
      expect(loaded).toHaveLength(2 * keys.length)
      expect(missing.filter((key) => /second|local_backbone/.test(key))).toEqual([])
      expect(changed.map(({ key }) => key)).toEqual(['backbone.conv1.weight', `head.${name}.conv1.weight`])
    })
  })

  test('a model file has weights for both', () => {
    scope(() => {
      const source = make('resnet18', { head: 'bilinear' })
      const model = make('resnet18', { head: 'bilinear' })
      noGrad(() => void source.stateDict().get('head.second.bn1.bias')?.fill_(7))
      expect(load(source.stateDict(), model).missing).toEqual([])
      expect(first(model.stateDict().get('head.second.bn1.bias'))).toBe(7)
      expect(first(model.stateDict().get('backbone.bn1.bias'))).toBe(0)
    })
  })
})

describe('rows of the classifier by label name', () => {
  const known = knownCheckpoint('torchxrayvision/densenet121-res224-nih')
  const labels = ['pleural effusion', 'Rare thing', 'Mass', 'Lung Opacity']

  test.each(['linear', 'published'])("torchxrayvision's, under the head %s", (head) => {
    scope(() => {
      const findings = known?.classes as string[]
      const source = make('densenet121', { labels: findings, inChannels: 1 })
      const tensors = new Map(
        [...source.stateDict()].map(([key, value]) => [key.replace(/^(backbone|head)\./, ''), value]),
      )
      tensors.set('classifier.bias', tensor(findings.map((_, i) => 100 + i)))
      const model = make('densenet121', { head, labels, inChannels: 1 })
      const initial = numbers(model.stateDict().get('head.classifier.bias'))
      const report = load(tensors, model, { labels: findings })
      expect(report.labels).toEqual({
        loaded: ['pleural effusion', 'Mass'],
        initialised: ['Rare thing', 'Lung Opacity'],
      })
      expect(report.missing).toEqual([])
      const bias = numbers(model.stateDict().get('head.classifier.bias'))
      expect(bias).toEqual([107, initial[1], 112, initial[3]])
      const weight = numbers(model.stateDict().get('head.classifier.weight')).slice(0, 1024)
      expect(weight).toEqual(numbers(tensors.get('classifier.weight')).slice(7 * 1024, 8 * 1024))
    })
  })

  test('a model file says its labels itself', () => {
    scope(() => {
      const source = make('resnet18', { head: 'linear', labels: ['b', 'z', 'a'] })
      const model = make('resnet18', { head: 'linear', labels: ['a', 'b'] })
      const report = loadFile(source.stateDict(), model, {
        plurad: JSON.stringify({ labels: ['b', 'z', 'a'] }),
      })
      expect(report.labels).toEqual({ loaded: ['a', 'b'], initialised: [] })
      const rows = (network: Classifier): Tensor | undefined =>
        network.stateDict().get('head.classifier.weight')
      expect(numbers(rows(model))).toEqual(
        numbers(rows(source)?.indexSelect(0, tensor([2, 0], { dtype: 'int64' }))),
      )
    })
  })
})

describe('what does not fit is refused', () => {
  test('nothing of the backbone', () => {
    scope(() => {
      expect(() => load(new Map([['encoder.x', randn([2])]]), make('resnet18'))).toThrow(DataError)
      expect(() => load(new Map([['encoder.x', randn([2])]]), make('resnet18'))).toThrow(
        /none of its 1 tensors is one of the backbone resnet18 by name.*encoder\.x/,
      )
    })
  })

  test('another architecture of the same family: key and both shapes are named', () => {
    scope(() => {
      expect(() => load(make('densenet169').stateDict(), make('densenet121'))).toThrow(
        /does not fit the backbone densenet121: backbone\.features\.[\w.]+ has shape \[[\d, ]+\], the model's backbone\.[\w.]+ \[[\d, ]+\]/,
      )
    })
  })

  test('weights that are not numbers', () => {
    scope(() => {
      const weights = new Map(make('resnet18').stateDict())
      weights.set('backbone.bn1.bias', full([64], NaN))
      expect(() => load(weights, make('resnet18'))).toThrow(
        /weights\.pt: backbone\.bn1\.bias holds values that are not/,
      )
    })
  })

  test('a file of something else', () => {
    expect(() => readCheckpoint(new URL('fit.test.ts', import.meta.url).pathname)).toThrow(
      /neither a safetensors file/,
    )
    expect(() => readCheckpoint(join(folder, 'none'))).toThrow(/ENOENT/)
  })
})

/** torch 1.13: interpolate(tensor([[0., 10.], [1., 11.]])[None, None], size=4, mode='bicubic', align_corners=False) */
const BICUBIC_4 = [
  -1.16015625, 2.16015625, 7.62890625, 10.94921875, -0.828125, 2.4921875, 7.9609375, 11.28125, -0.28125,
  3.0390625, 8.5078125, 11.828125, 0.05078125, 3.37109375, 8.83984375, 12.16015625,
]
