/** Explanations of images, one after the other, from whichever engine can give them. */
import { readFile } from 'node:fs/promises'
import { decodeImage } from '../../data/formats/decode.js'
import { DataError, UsageError } from '../../errors.js'
import { explainExported } from '../../explain/exported/explain.js'
import { exportedMethods } from '../../explain/exported/registry.js'
import type { Explained, Unexplained } from '../../explain/explained.js'
import type { LabelChoice } from '../../explain/labels.js'
import type { ModelInfo } from '../../models/model-info.js'
import type { ExplanationJob, ExplanationMessage } from '../../training/explanation.js'
import { findOnnxFile } from '../predict-onnx.js'

export interface ExplainRequest {
  /** A run folder, a .onnx file or a model.safetensors. */
  model: string
  /** Left out: for exported models what they allow, else grad-cam. */
  method?: string | undefined
  /** The method's own. */
  options?: Readonly<Record<string, unknown>>
  /** Stage of the backbone, from 1. */
  stage?: number | null
  items: readonly { image: string; path: string; labels: LabelChoice }[]
  threads?: number | null
  device?: string
  /** Take the exported model of a run folder where it gives the method: it starts sooner. */
  preferExported?: boolean
}

/** Which model and method gave an explanation. */
export interface About {
  info: ModelInfo
  method: string
  title: string
  unit: string
}

export interface Receiver {
  onExplained: (explained: Explained, about: About) => Promise<void> | void
  onUnexplained: (unexplained: Unexplained) => void
}

/** Hands over the explanation of each item as it is ready. */
export async function explainItems(request: ExplainRequest, receiver: Receiver): Promise<void> {
  const exported = exportedFor(request)
  if (exported === null) return explainWithTorch(request, receiver)
  let begun = false
  const onExplained: Receiver['onExplained'] = (explained, about) => {
    begun = true
    return receiver.onExplained(explained, about)
  }
  try {
    await explainWithOnnx(exported, request, { ...receiver, onExplained })
  } catch (error) {
    // Not every head can be explained without gradients; a run folder has the network as well.
    if (begun || exported === request.model || !(error instanceof DataError)) throw error
    await explainWithTorch(request, receiver)
  }
}

/** The .onnx file that is to be used; null for libtorch. Throws `UsageError` where an exported model cannot. */
function exportedFor({
  model,
  method,
  options = {},
  stage = null,
  device = 'auto',
  preferExported = false,
}: ExplainRequest): string | null {
  const plain = stage === null && Object.keys(options).length === 0
  const possible = plain && (method === undefined || Object.hasOwn(exportedMethods, method))
  if (model.endsWith('.onnx')) {
    if (possible) return model
    throw new UsageError(
      `explain: an exported model gives ${Object.keys(exportedMethods).join(' and ')}, without options and stages; ` +
        'name the run folder for every other method',
    )
  }
  if (!possible || device.startsWith('cuda')) return null
  return preferExported || method !== undefined ? findOnnxFile(model) : null
}

async function explainWithOnnx(
  file: string,
  { items, method, threads = null }: ExplainRequest,
  { onExplained, onUnexplained }: Receiver,
): Promise<void> {
  const [{ OnnxModel }, { openSession }] = await Promise.all([
    import('../../predict/onnx-model.js'),
    import('../../predict/node.js'),
  ])
  const content = await readFile(file).catch((error: unknown) => {
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  })
  const model = await OnnxModel.open(content, file, openSession, { threads })
  try {
    for (const { image: name, path, labels } of items) {
      const image = await decodeImage(path, model.info.window).catch((error: unknown) => {
        onUnexplained({ image: name, reason: (error as Error).message })
        return null
      })
      if (image === null) continue
      const { method: taken, ...explained } = await explainExported(model, image, { name, method, labels })
      const { title, unit } = exportedMethods[taken]
      await onExplained(explained, { info: model.info, method: taken, title, unit })
    }
  } finally {
    await model.close()
  }
}

async function explainWithTorch(
  {
    model,
    method = 'grad-cam',
    options = {},
    stage = null,
    items,
    threads = null,
    device = 'auto',
  }: ExplainRequest,
  { onExplained, onUnexplained }: Receiver,
): Promise<void> {
  // An exported model is explained without libtorch's package.
  const { runOffThread } = await import('@plurad/torch/off-thread')
  const stopping = new AbortController()
  let about: About | null = null
  // Pictures are drawn here while the engine goes on there.
  let drawn: Promise<void> = Promise.resolve()
  const failures: unknown[] = []
  const receive = (message: ExplanationMessage): void => {
    if (message.kind === 'model') about = { ...message, method }
    if (message.kind === 'unexplained') onUnexplained(message.unexplained)
    if (message.kind !== 'explained') return
    const { explained } = message
    drawn = drawn
      .then(() => (failures.length === 0 && about !== null ? onExplained(explained, about) : undefined))
      .catch((error: unknown) => {
        failures.push(error)
        stopping.abort()
      })
  }
  await runOffThread<ExplanationJob, ExplanationMessage, null>(
    new URL('../../training/explanation.js', import.meta.url),
    { model, asked: { method, options, stage }, items, threads, device },
    { onMessage: receive, signal: stopping.signal },
  )
  await drawn
  if (failures.length > 0) throw failures[0]
}
