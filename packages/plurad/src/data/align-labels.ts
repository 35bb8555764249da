import { DataError } from '../errors.js'
import type { Sample } from './dataset.js'

/**
 * Label values in a model's order; what the data set does not know is unknown.
 *
 * @param given The labels that the samples' values stand for; none for prediction alone.
 * @throws DataError where the two have no label in common
 */
export function alignLabels<S extends Pick<Sample, 'labels'>>(
  samples: readonly S[],
  given: readonly string[],
  labels: readonly string[],
): S[] {
  const positions = labels.map((label) => given.indexOf(label))
  if (given.length > 0 && positions.every((position) => position < 0)) {
    throw new DataError(
      `The data set has none of the model's labels. The model's: ${labels.join(', ')}. ` +
        `The data set's: ${given.join(', ')}.`,
    )
  }
  return samples.map((sample) => ({
    ...sample,
    labels: positions.map((position) => sample.labels[position] ?? null),
  }))
}
