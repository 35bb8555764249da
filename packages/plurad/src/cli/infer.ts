/** Prediction with libtorch, for the commands that use it. */
import { UsageError } from '../errors.js'
import type { InferenceJob, InferenceMessage, InferenceOutcome } from '../training/inference.js'
import { printWarnings } from './notes.js'
import { bar, Progress } from './progress.js'

/** Gives the device back where it can be one. Throws `UsageError`. */
export function checkDevice(command: string, device: string): string {
  if (/^(auto|cpu|cuda(:\d+)?)$/.test(device)) return device
  throw new UsageError(`${command}: --device ${device}: expected auto, cpu, cuda or cuda:N`)
}

/** Runs a model off the main thread, with progress and warnings about images on stderr. */
export async function infer(job: InferenceJob, quiet = false): Promise<InferenceOutcome> {
  // An exported model is predicted without libtorch's package.
  const { runOffThread } = await import('@plurad/torch/off-thread')
  const progress = new Progress({ quiet })
  const outcome = await runOffThread<InferenceJob, InferenceMessage, InferenceOutcome>(
    new URL('../training/inference.js', import.meta.url),
    job,
    { onMessage: ({ done, total }) => progress.update(`Predicting ${bar(done / total)} ${done}/${total}`) },
  )
  progress.clear()
  printWarnings(outcome.warnings)
  return outcome
}
