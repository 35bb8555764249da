import { alignLabels } from '../../data/align-labels.js'
import type { Sample } from '../../data/dataset.js'
import type { InferenceOutcome } from '../../training/inference.js'
import { scoreExported, type ExportedJob } from '../exported-model.js'

interface LabelledJob extends ExportedJob {
  samples: readonly Sample[]
  /** The labels that the samples' values stand for. */
  labels: readonly string[]
}

/** Predictions of a .onnx file beside their truth, without libtorch. */
export async function inferExported(job: LabelledJob): Promise<InferenceOutcome> {
  const { info, indices, scores, varied, unreadable, warnings } = await scoreExported(job)
  const samples = alignLabels(job.samples, job.labels, info.labels)
  const read = indices.map((index) => samples[index])
  return {
    info,
    predictions: {
      labels: info.labels,
      images: read.map(({ image }) => image),
      patients: read.map(({ patient }) => patient),
      scores,
      truth: Float64Array.from(read.flatMap(({ labels }) => labels.map((value) => value ?? NaN))),
    },
    varied,
    unreadable,
    warnings,
  }
}
