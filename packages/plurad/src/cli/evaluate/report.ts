import { basename } from 'node:path'
import { writeEvaluationReport } from '../../report/index.js'
import { describeEnvironment } from '../../run/environment.js'
import type { Judged } from './judged.js'
import type { Evaluation } from './output.js'

/** Throws `RunError` where the page cannot be written. */
export function reportEvaluation(
  file: string,
  { title, trainingCounts, source }: Judged,
  { metrics, calibrated, subgroups, robustness }: Evaluation,
): Promise<void> {
  const { pictures, ...data } = source ?? {}
  return writeEvaluationReport(file, {
    // Of saved predictions the title is their path.
    name: basename(title),
    predictions: calibrated,
    metrics,
    subgroups,
    robustness,
    trainingCounts,
    environment: { ...describeEnvironment(), ...data },
    pictures,
  })
}
