/** Writes a trained model for use elsewhere, after holding it against the network it was made from. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { manualSeed, scope, setNumThreads } from '@plurad/torch'
import { writeFileAtomic } from '../files.js'
import type { ModelInfo } from '../models/model-info.js'
import { findModelFile, loadModel } from '../models/model-file.js'
import { openSession } from '../predict/node.js'
import { encodeClassifier } from './onnx/classifier.js'
import { verifySession } from './verify.js'

/** What a trained model can be written in. */
export type ExportFormat = 'onnx' | 'safetensors'

export interface ExportOptions {
  /** A run folder or a model.safetensors. */
  model: string
  out: string
  format: ExportFormat
  threads?: number | null
}

export interface Exported {
  file: string
  bytes: number
  info: ModelInfo
  /** Names of the graph's outputs; none for safetensors. */
  outputs: readonly string[]
  /** Largest difference in probability from libtorch's; null where the weights are the same bytes. */
  difference: number | null
}

/**
 * @throws ExportError where the model cannot be written, or where what was written gives other numbers: no file is left
 */
export async function exportModel({
  model: location,
  out,
  format,
  threads = null,
}: ExportOptions): Promise<Exported> {
  setNumThreads(threads ?? availableParallelism())
  const source = findModelFile(location)
  const { model, info } = loadModel(source)
  if (format === 'safetensors') {
    const content = readFileSync(source)
    await writeFileAtomic(out, content)
    return { file: out, bytes: content.length, info, outputs: [], difference: null }
  }
  manualSeed(0)
  const content = scope(() => encodeClassifier(model, info))
  const session = await openSession(content, { threads })
  const { outputs } = session
  const difference = await verifySession(model, session).finally(() => session.close())
  await writeFileAtomic(out, content)
  return { file: out, bytes: content.length, info, outputs, difference }
}
