/**
 * What holds for every backbone: each method gives finite numbers of the right shape that are not all the same, at every
 * stage. One network of each family here; PLURAD_EXPLAIN_ALL=1 takes the whole registry.
 */
import { manualSeed, noGrad, randn, scope } from '@plurad/torch'
import { expect, test } from 'vitest'
import { LABELS } from '../../../test/model-example.js'
import { Classifier } from '../../models/classifier.js'
import { backbones } from '../../models/registry.js'
import { explain } from '../explain.js'
import type { Heatmap } from '../heatmap.js'

const families =
  /^(densenet121|resnet18|mobilenet_v3_small|efficientnet_b0|convnext_tiny|vit_s_16|swin_t|guita_cnn|guita_lstm|resnet3d18)$/
const names = Object.keys(backbones).filter(
  (name) => process.env['PLURAD_EXPLAIN_ALL'] === '1' || families.test(name),
)

test.each(names)('%s can be explained at every stage', (backbone) => {
  const { dims, smallest, multiple } = backbones[backbone]
  const size = Math.max(dims === 3 ? 32 : 64, Math.ceil(smallest / multiple) * multiple)
  scope(() => {
    manualSeed(0)
    const parts = { backbone: { name: backbone }, head: { name: 'linear' } }
    const model = new Classifier({
      ...parts,
      inChannels: 1,
      size,
      labels: LABELS,
      mean: [0.5],
      std: [0.25],
    }).eval()
    const pixels = randn([1, 1, ...new Array<number>(dims).fill(size)])
    const shapes = noGrad(() => model.backbone.forward(pixels).stages.map(({ shape }) => shape.slice(2)))
    const check = (heatmap: Heatmap, shape: readonly number[], what: string): void => {
      expect(heatmap.shape, what).toEqual(shape)
      expect(heatmap.values.length, what).toBe(shape.reduce((a, b) => a * b, 1))
      expect(heatmap.values.every(Number.isFinite), what).toBe(true)
    }
    const differs = ({ values }: Heatmap): boolean => new Set(values).size > 1
    shapes.forEach((shape, i) => {
      const { heatmaps, stage } = explain(model, pixels, [1], { method: 'hires-cam', stage: i + 1 })
      expect(stage).toBe(i + 1)
      for (const heatmap of heatmaps) {
        check(heatmap, shape, `stage ${i + 1}`)
        // A single position has nothing to differ from.
        if (heatmap.values.length > 1) expect(differs(heatmap), `stage ${i + 1}`).toBe(true)
      }
    })
    for (const method of ['grad-cam', 'grad-cam++', 'cam']) {
      const { heatmaps, stage } = explain(model, pixels, [0, 1, 2], { method })
      expect(stage).toBe(shapes.length)
      for (const heatmap of heatmaps) check(heatmap, shapes[shapes.length - 1], method)
    }
    const ofPixels = [
      { method: 'integrated-gradients', options: { steps: 4, tolerance: 1 } },
      { method: 'occlusion', options: { patch: Math.floor(size / 2), stride: Math.floor(size / 2) } },
    ]
    for (const asked of ofPixels) {
      const [heatmap] = explain(model, pixels, [1], asked).heatmaps
      check(heatmap, pixels.shape.slice(2), asked.method)
      expect(differs(heatmap), asked.method).toBe(true)
    }
  })
})
