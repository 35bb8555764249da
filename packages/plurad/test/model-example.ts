/** Made-up labels, what is known of them, and the description of a model that was never trained. */
import type { LabelStatistics, LabelVectors } from '../src/models/head.js'
import type { ModelInfo } from '../src/models/model-info.js'
import type { Part } from '../src/models/part.js'
import { preprocessingWith } from '../src/data/preprocessing.js'

export const LABELS = ['a', 'b', 'c']

export const statistics: LabelStatistics = {
  images: 100,
  known: [100, 100, 100],
  positives: [50, 30, 10],
  together: [
    [50, 25, 4],
    [25, 30, 6],
    [4, 6, 10],
  ],
}

export const vectors: LabelVectors = {
  source: 'test',
  labels: [
    [1, 0, 0.5, -0.5],
    [0, 1, -0.5, 0.5],
    [0.3, 0.3, 1, 0],
  ],
  prompt: [
    [0.1, 0.2, 0.3, 0.4],
    [0.4, 0.3, 0.2, 0.1],
  ],
}

export function exampleInfo(backbone: string, head: Part, size: number, labels = LABELS): ModelInfo {
  return {
    plurad: '0.1.0',
    labels,
    backbone: { name: backbone },
    head,
    ...preprocessingWith({ size }),
    value_range: [0, 1],
    mean: [0.45],
    std: [0.25],
    vectors: null,
    thresholds: labels.map(() => 0.5),
    calibration: null,
    data_fingerprint: 'none',
    best_epoch: null,
    licence: null,
    recipe: { name: 'test' },
  }
}
