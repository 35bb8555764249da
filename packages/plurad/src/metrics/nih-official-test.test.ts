import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Predictions } from './predictions.js'
import { evaluateMultilabel, type MultilabelMetrics } from './multilabel.js'

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
    beforeAll(() => {
      const arrays = readNpz(readFileSync(file))
      const logits = arrays.get('test_logits') as Float32Array
      const truth = arrays.get('test_labels') as Float32Array
      const patients = arrays.get('test_patient') as BigInt64Array
      const predictions: Predictions = {
        labels,
        images: Array.from(patients, (_, row) => `row ${row}`),
        patients: Array.from(patients, String),
        scores: Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit))),
        truth: Float64Array.from(truth),
      }
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
  },
)

/** Arrays of a NumPy .npz: a zip of .npy files, stored or deflated. Little-endian f4, f8 and i8 only. */
function readNpz(zip: Buffer): Map<string, Float32Array | Float64Array | BigInt64Array> {
  const arrays = new Map<string, Float32Array | Float64Array | BigInt64Array>()
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const method = zip.readUInt16LE(at + 10)
    const size = zip.readUInt32LE(at + 20)
    const nameLength = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const local = zip.readUInt32LE(at + 42)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const packed = zip.subarray(start, start + size)
    arrays.set(name.replace(/\.npy$/, ''), readNpy(method === 8 ? inflateRawSync(packed) : packed))
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return arrays
}

function readNpy(npy: Buffer): Float32Array | Float64Array | BigInt64Array {
  const headerLength = npy.readUInt16LE(8)
  const type = /'descr': '<(f4|f8|i8)'/.exec(npy.toString('latin1', 10, 10 + headerLength))?.[1]
  const body = npy.subarray(10 + headerLength)
  const bytes = body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength)
  if (type === 'f4') return new Float32Array(bytes)
  if (type === 'f8') return new Float64Array(bytes)
  if (type === 'i8') return new BigInt64Array(bytes)
  throw new Error('the .npy holds a type that this reader does not know')
}
