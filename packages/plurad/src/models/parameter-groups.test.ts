import { manualSeed, noGrad, randn, scope } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { Classifier } from './classifier.js'
import { freezeStages, parameterGroups } from './parameter-groups.js'
import { backbones } from './registry.js'
import { depthsOf, stageOf } from './stages.js'

function make(name: string, { head = 'linear', size = 64 } = {}): Classifier {
  manualSeed(0)
  return new Classifier({
    backbone: { name },
    head: { name: head },
    inChannels: 1,
    size,
    labels: ['a', 'b'],
    mean: [0],
    std: [1],
  })
}

const plain = { weightDecay: 0.1, layerDecay: 1, noDecay: [] }

describe('stages', () => {
  const light = Object.keys(backbones).filter(
    (name) =>
      !/^(swin_[sbl]|convnext_(small|base)|vit_b|resnet(34|50|101)|resnet3d50|densenet(169|201)|efficientnet_b[1-4])/.test(
        name,
      ),
  )
  test.each(light)('%s: every parameter has one, and they rise from the pixels on', (name) => {
    scope(() => {
      const { smallest, multiple } = backbones[name]
      const model = make(name, { size: Math.ceil(Math.max(32, smallest) / multiple) * multiple })
      const keys = Array.from(model.backbone.namedParameters(), ([key]) => key)
      const stages = keys.map((key) => stageOf(name, key))
      expect(keys.filter((_, i) => stages[i] === null)).toEqual([])
      const known = stages.map((stage) => stage ?? 0)
      expect([...known].sort((a, b) => a - b)).toEqual(known)
      // No stage is left out.
      const first = known[0]
      expect(new Set(known).size).toBe(Math.max(...known) - first + 1)
    })
  })

  test("ViT's rates fall by block, ResNet's by stage", () => {
    const vit = [
      'class_token',
      'encoder.layers.encoder_layer_0.ln_1.weight',
      'encoder.layers.encoder_layer_1.ln_1.weight',
      'encoder.ln.weight',
    ]
    expect([...depthsOf('vit_s_16', vit).depths.values()]).toEqual([0, 1, 2, 2])
    expect(
      depthsOf('resnet18', [
        'conv1.weight',
        'layer1.0.conv1.weight',
        'layer1.1.conv1.weight',
        'layer4.0.conv1.weight',
      ]),
    ).toEqual({
      depths: new Map([
        ['conv1.weight', 0],
        ['layer1.0.conv1.weight', 1],
        ['layer1.1.conv1.weight', 1],
        ['layer4.0.conv1.weight', 4],
      ]),
      count: 5,
    })
  })
})

describe('groups', () => {
  test('without settings there is one, in the order of the model', () => {
    scope(() => {
      const model = make('resnet18')
      expect(parameterGroups(model, plain)).toEqual([
        { parameters: model.parameters(), weightDecay: 0.1, share: 1 },
      ])
    })
  })

  test('rates fall towards the pixels; the head has the whole of it', () => {
    scope(() => {
      const model = make('resnet18')
      const groups = parameterGroups(model, { ...plain, layerDecay: 0.5 })
      expect(groups.map(({ share }) => share)).toEqual([1, 0.5, 0.25, 0.125, 0.0625, 0.03125])
      expect(groups[0].parameters).toEqual(model.head.parameters())
      expect(groups[5].parameters.length).toBe(3)
      expect(groups.flatMap(({ parameters }) => parameters).length).toBe(model.parameters().length)
    })
  })

  test.each<
    [string, string, ('bias' | 'norm' | 'pos_embedding' | 'one_dimensional')[], (key: string) => boolean]
  >([
    ['biases', 'resnet18', ['bias'], (key) => key.endsWith('bias')],
    ['norms', 'resnet18', ['norm'], (key) => /bn\d|downsample\.1/.test(key)],
    ['attention biases', 'vit_s_16', ['bias'], (key) => /bias$/.test(key)],
    ['positions', 'vit_s_16', ['pos_embedding'], (key) => /pos_embedding|class_token/.test(key)],
    ['bias tables', 'swin_t', ['pos_embedding'], (key) => key.endsWith('relative_position_bias_table')],
    [
      'all of one dimension',
      'convnext_tiny',
      ['one_dimensional'],
      (key) =>
        /bias$|layer_scale$|norm|\.2\.weight|features\.0\.1|features\.[246]\.0\.weight/.test(key) &&
        !/block\.[35]\.weight/.test(key),
    ],
  ])('weight decay spares %s of %s', (_name, backbone, noDecay, expected) => {
    scope(() => {
      const model = make(backbone)
      const spared = new Set(
        parameterGroups(model, { ...plain, noDecay })
          .filter(({ weightDecay }) => weightDecay === 0)
          .flatMap(({ parameters }) => parameters),
      )
      const keys = Array.from(model.namedParameters())
      expect(keys.filter(([, p]) => spared.has(p)).map(([key]) => key)).toEqual(
        keys.filter(([key]) => expected(key)).map(([key]) => key),
      )
    })
  })
})

describe('freezing', () => {
  const learning = (model: Classifier): string[] =>
    Array.from(model.namedParameters())
      .filter(([, p]) => p.requiresGrad)
      .map(([key]) => key)

  test('the backbone: only the head learns, and batch norm keeps its statistics', () => {
    scope(() => {
      const model = make('resnet18')
      freezeStages(model, 'backbone')
      expect(learning(model)).toEqual(['head.classifier.weight', 'head.classifier.bias'])
      const state = (): number[] => model.stateDict().get('backbone.bn1.running_mean')?.toFlatArray() ?? []
      const before = state()
      model.train()
      expect([model.training, model.head.training, model.backbone.training]).toEqual([true, true, false])
      noGrad(() => void model.forward(randn([2, 1, 64, 64])))
      expect(state()).toEqual(before)
      expect(parameterGroups(model, plain)[0].parameters).toHaveLength(2)
    })
  })

  test('two stages: the stem and them, the rest goes on learning', () => {
    scope(() => {
      const model = make('resnet18')
      freezeStages(model, 2)
      expect(new Set(learning(model).map((key) => key.split('.').slice(0, 2).join('.')))).toEqual(
        new Set(['backbone.layer3', 'backbone.layer4', 'head.classifier']),
      )
      model.train()
      const training = new Map(
        [...model.backbone.namedModules()].map(([path, module]) => [path, module.training]),
      )
      expect(['bn1', 'layer2.1.bn2', 'layer3.0.bn1', ''].map((path) => training.get(path))).toEqual([
        false,
        false,
        true,
        true,
      ])
    })
  })

  test("the head's own backbone is one, too: frozen with the other, and at its learning rates", () => {
    scope(() => {
      const model = make('resnet18', { head: 'bilinear' })
      const shares = (key: string): number[] =>
        parameterGroups(model, { ...plain, layerDecay: 0.5 })
          .filter(({ parameters }) => parameters.some((p) => p === model.stateDict().get(key)))
          .map(({ share }) => share)
      for (const key of ['conv1.weight', 'layer3.0.conv1.weight'])
        expect(shares(`head.second.${key}`)).toEqual(shares(`backbone.${key}`))
      expect(shares('head.second.conv1.weight')).toEqual([0.5 ** 5])
      freezeStages(model, 'backbone')
      expect(learning(model).filter((key) => /^backbone|second/.test(key))).toEqual([])
      model.train()
      const parts = new Map([...model.namedModules()].map(([path, { training }]) => [path, training]))
      expect(['head', 'head.second', 'head.second.bn1'].map((path) => parts.get(path))).toEqual([
        true,
        false,
        false,
      ])
    })
  })

  test('none, and more stages than there are', () => {
    scope(() => {
      const model = make('resnet18')
      freezeStages(model, 'none')
      expect(learning(model)).toHaveLength(model.parameters().length)
      expect(() => freezeStages(model, 5)).toThrow(
        "model.freeze=5: the backbone resnet18 has 4 stages. Use 4 or less, or 'backbone'.",
      )
    })
  })
})
