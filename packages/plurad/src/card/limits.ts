/** What a reader of a model card has to beware of, told by the facts themselves. */
import { SUBGROUP_RULE } from '../metrics/subgroups.js'
import type { CardFacts } from './facts.js'

/** Of fewer positives no figure says much. */
const FEW = SUBGROUP_RULE.positives

export function limitsOf({ info, test, splits, subgroups, environment, skipped }: CardFacts): string[] {
  const limits: string[] = []
  if (test === null) {
    limits.push(
      'No figures stand beside this file: how well the model does has to be measured before it is used.',
    )
  } else {
    const few = test.labels.filter(({ positives }) => positives > 0 && positives < FEW)
    const none = test.labels.filter(({ positives, negatives }) => positives === 0 || negatives === 0)
    if (few.length > 0) {
      limits.push(
        `Fewer than ${FEW} positive test images, so that figures say little: ${few.map(({ label, positives }) => `${label} (${positives})`).join(', ')}.`,
      )
    }
    if (none.length > 0)
      limits.push(
        `Not measured, one class only in the test split: ${none.map(({ label }) => label).join(', ')}.`,
      )
    if (test.intervals === undefined)
      limits.push('Figures have no intervals; `plurad evaluate --bootstrap 2000` gives them.')
  }
  const blind = info.labels.filter((_, c) => (info.thresholds[c] ?? null) === null)
  if (blind.length > 0) limits.push(`No decision threshold, so never called: ${blind.join(', ')}.`)
  const isCalibrated = info.calibration?.some((label) => label !== null) ?? false
  if (!isCalibrated)
    limits.push(
      'Probabilities are not calibrated: a score of 0.3 need not mean that 3 of 10 have the finding.',
    )
  const uncalibrated = test?.calibration?.uncalibrated ?? []
  if (isCalibrated && uncalibrated.length > 0)
    limits.push(`Not calibrated for want of validation images: ${uncalibrated.join(', ')}.`)
  if (splits !== null) {
    if (splits.sharedPatients === null)
      limits.push('Patients are unknown: images of one patient may be in several splits, which flatters.')
    else if (splits.sharedPatients > 0)
      limits.push(`${splits.sharedPatients} patients are in more than one split, which flatters.`)
  }
  if (environment?.allow_leakage) limits.push('Trained with `--allow-leakage`.')
  for (const { name, groups } of subgroups?.attributes ?? []) {
    const small = groups.filter((group) => group.small).map(({ value, images }) => `${value} (${images})`)
    if (small.length > 0)
      limits.push(`Groups by ${name} that are too small to judge: ${small.join(', ')} images.`)
  }
  if (subgroups === null && test !== null)
    limits.push('Nothing is known of sex, age or view of the test images, so that groups were not compared.')
  if (skipped !== null && skipped > 0)
    limits.push(`${skipped} images of the table could not be used and are in no figure.`)
  limits.push(
    'Tested on images from where the training images came from. Other hospitals, devices and patients give other figures, ' +
      'usually worse: measure on your own before use.',
    'Labels are taken as they are; what is wrong in them is learned and counted as right.',
    'One training: another seed gives somewhat other figures.',
  )
  return limits
}
