/** What a run starts from: public weights, frozen parts, label vectors; and that a model file brings it all back. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { loadSafetensors, manualSeed, saveSafetensors, scope, type Tensor } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Classifier } from '../src/models/classifier.js'
import type { FitReport } from '../src/models/weights/report.js'
import { FileServer, serve } from './file-server.js'
import { makeWorkplace, outcomeOf, sets, start, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

/** Colour weights of a resnet18 with two classes, wrapped as a training script leaves them. */
function writeWeights(name: string): { file: string; values: (key: string) => number[] } {
  return scope(() => {
    manualSeed(7)
    const backbone = { name: 'resnet18' }
    const model = new Classifier({
      backbone,
      head: { name: 'published' },
      inChannels: 3,
      size: 32,
      labels: ['a', 'b'],
      mean: [0, 0, 0],
      std: [1, 1, 1],
    })
    const state = model.stateDict()
    const wrapped = new Map(
      [...state].map(([key, value]) => [key.replace(/^(backbone|head)\./, 'module.'), value]),
    )
    saveSafetensors(here.path(name), wrapped)
    const kept = new Map([...state].map(([key, value]) => [key, numbers(value)]))
    return { file: here.path(name), values: (key) => kept.get(key) ?? [] }
  })
}

const numbers = (tensor: Tensor | undefined): number[] => scope(() => tensor?.float().toFlatArray() ?? [])

const trained = (run: string): Map<string, number[]> =>
  scope(
    () =>
      new Map(
        [...loadSafetensors(`${run}/model.safetensors`).tensors].map(([key, value]) => [key, numbers(value)]),
      ),
  )

const train = (out: string, ...changes: string[]): string[] => [
  'train',
  here.recipe,
  '--data',
  here.data,
  '--out',
  here.path(out),
  ...sets('model.backbone=resnet18', 'training.epochs=1', ...changes),
]

describe('training starts', { timeout: 120_000 }, () => {
  it('from weights of elsewhere, whose frozen part stays as it was', async () => {
    const { file, values } = writeWeights('colour.safetensors')
    const { stderr } = await succeed(train('frozen', `model.weights=${file}`, 'model.freeze=backbone'))
    expect(stderr).toContain("120 of the model's 122 tensors loaded (names of torchvision, under module).")
    expect(stderr).toContain('changed to fit: 3 input channels added up: backbone.conv1.weight')
    const report = JSON.parse(readFileSync(here.path('frozen/weights.json'), 'utf8')) as FitReport
    expect(report.missing).toEqual(['head.classifier.weight', 'head.classifier.bias'])
    expect(report.unexpected).toEqual(['module.fc.weight', 'module.fc.bias'])
    const model = trained(here.path('frozen'))
    for (const key of [
      'backbone.layer4.1.conv2.weight',
      'backbone.bn1.running_mean',
      'backbone.layer1.0.bn1.weight',
    ])
      expect([key, model.get(key)]).toEqual([key, values(key)])
  })

  it('from an address, with layers of their own rates; a resume gives the same without the file', async () => {
    const { file } = writeWeights('served.safetensors')
    const server = await FileServer.start()
    server.answer = serve(readFileSync(file))
    const env = { XDG_CACHE_HOME: here.path('cache') }
    const changes = [
      `model.weights=${server.base}/w.safetensors`,
      'model.freeze=1',
      'training.epochs=2',
      'training.optimizer={name: adamw, weight_decay: 0.1, layer_decay: 0.5, no_decay: [bias, norm], learning_rate: 0.001}',
    ]
    await succeed(train('whole', ...changes), { env })
    expect(server.requests).toHaveLength(1)
    const { child, ended, said } = start(train('stopped', ...changes), { env })
    await said('Epoch 1/2')
    child.kill('SIGINT')
    await ended
    await server.stop()
    rmSync(here.path('cache'), { recursive: true })
    await succeed(['train', '--resume', '--out', here.path('stopped')], { env })
    expect(existsSync(here.path('cache'))).toBe(false)
    expect(outcomeOf(here.path('stopped'))).toEqual(outcomeOf(here.path('whole')))
  })

  it.each(['ml_gcn', 'metric', 'ldrnet'])(
    'with vectors of the labels for %s, which the model file brings back',
    async (head) => {
      const options = head === 'ldrnet' ? ', dim: 32, feed_forward: 32' : ''
      const run = here.path(head)
      await succeed(train(head, `model.head={name: ${head}${options}}`))
      await succeed(['evaluate', run, '--data', here.data])
      const { metadata } = loadSafetensors(`${run}/model.safetensors`)
      expect(JSON.parse(metadata['plurad'] ?? '')).toMatchObject({ vectors: { dim: 14, words: 14 } })
    },
  )
})
