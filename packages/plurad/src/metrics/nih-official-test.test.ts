import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Predictions } from './predictions.js'
import { rankLabels } from './column.js'
import { delong } from './intervals/index.js'
import { evaluateMultilabel, type MultilabelMetrics } from './multilabel.js'
import { readPredictionsNpz } from './npz.js'

const repository = fileURLToPath(new URL('../../../..', import.meta.url))
const data = process.env['PLURAD_DATA'] ?? join(repository, '..', 'shared', 'data')
const file = join(data, 'nih-official-test-logits', 'densenet121_seed0.npz')
const labels = (
  'Atelectasis Cardiomegaly Effusion Infiltration Mass Nodule Pneumonia Pneumothorax ' +
  'Consolidation Edema Emphysema Fibrosis Pleural_Thickening Hernia'
).split(' ')

/**
 * `roc_auc_score` and `average_precision_score` of scikit-learn 1.2.1 on the same file, for a
 * frequent and a rare label. Ties are many: the logits are of half precision, 2,063 values in all.
 */
const scikitLearn = {
  macroAuc: 0.7024535200566262,
  macroAp: 0.1604316572954774,
  effusion: 0.7661515775315874,
  hernia: 0.7033682641554156,
}

describe.skipIf(!existsSync(file))(
  'DenseNet-121 on the NIH official test list (skipped without PLURAD_DATA)',
  () => {
    let metrics: MultilabelMetrics
    let predictions: Predictions
    beforeAll(() => {
      predictions = readPredictionsNpz(file, { labels })
      metrics = evaluateMultilabel(predictions)
    })

    it('holds 25,596 images and 14 labels with both classes', () => {
      expect(metrics.images).toBe(25596)
      expect(metrics.macro.labels_counted).toBe(14)
    })

    it('has macro AUC 0.702, as published', () => {
      expect(metrics.macro.auc?.toFixed(3)).toBe('0.702')
    })

    it('equals scikit-learn', () => {
      expect(metrics.macro.auc).toBeCloseTo(scikitLearn.macroAuc, 9)
      expect(metrics.macro.average_precision).toBeCloseTo(scikitLearn.macroAp, 9)
      expect(metrics.labels[2].auc).toBeCloseTo(scikitLearn.effusion, 9)
      expect(metrics.labels[13].auc).toBeCloseTo(scikitLearn.hernia, 9)
    })

    it('gives the patients, and DeLong intervals that are wider for rarer findings', () => {
      expect(new Set(predictions.patients).size).toBe(2797)
      const ranked = rankLabels(predictions)
      const width = (label: number): number => {
        const [low, high] = delong(ranked[label])?.interval ?? [NaN, NaN]
        return high - low
      }
      expect(width(13)).toBeGreaterThan(5 * width(2))
    })
  },
)
