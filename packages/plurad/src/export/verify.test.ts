import { manualSeed, noGrad, scope } from '@plurad/torch'
import { expect, test } from 'vitest'
import { exampleInfo, LABELS } from '../../test/model-example.js'
import { ExportError } from '../errors.js'
import { Classifier } from '../models/classifier.js'
import { openSession } from '../predict/node.js'
import { encodeClassifier } from './onnx/classifier.js'
import { verifySession } from './verify.js'

function make(): Classifier {
  manualSeed(3)
  const parts = { backbone: { name: 'guita_cnn' }, head: { name: 'linear' } }
  return new Classifier({
    ...parts,
    inChannels: 1,
    size: 64,
    labels: LABELS,
    mean: [0.45],
    std: [0.25],
  }).eval()
}

test('passes for the network that was exported, refuses one whose weights or normalisation are others', async () => {
  const model = make()
  const content = scope(() => encodeClassifier(model, exampleInfo('guita_cnn', { name: 'linear' }, 64)))
  const session = await openSession(content, { threads: 1 })
  try {
    expect(await verifySession(model, session)).toBeLessThan(1e-5)
    const darker = new Classifier({ ...model.settings, mean: [0.4] }).eval()
    darker.loadStateDict(model.stateDict())
    await expect(verifySession(darker, session)).rejects.toThrow(ExportError)
    const [bias] = [...model.stateDict()].filter(([name]) => name.endsWith('head.classifier.bias'))
    noGrad(() => bias[1].add_(0.01))
    await expect(verifySession(model, session)).rejects.toThrow(/differ by up to 0\.00.*Nothing was written/)
    noGrad(() => bias[1].fill_(NaN))
    await expect(verifySession(model, session)).rejects.toThrow(/NaN/)
  } finally {
    await session.close()
  }
})
