/** Findings on standard output, one function a form. */
import { csvFormatRows } from 'd3-dsv'
import { formatTable } from '../table.js'
import { isUnlike, resultsOf, type ImageResult, type Outcome } from './results.js'

/** One JSON array: an object an image, those that could not be read at the end. */
export function jsonOf(outcome: Outcome): string {
  const results = resultsOf(outcome).map(({ image, findings, outOfDistribution, warning }) => ({
    image,
    findings,
    out_of_distribution: outOfDistribution,
    ...(warning === null ? {} : { warning }),
  }))
  const unreadable = outcome.unreadable.map(({ image, reason }) => ({ image, error: reason }))
  return JSON.stringify([...results, ...unreadable], null, 2)
}

/**
 * `image`, a column of probabilities a label and, where the model has them, of calibrated ones; the score and the
 * percentile of `OutOfDistribution`.
 */
export function csvOf(outcome: Outcome): string {
  const { labels } = outcome.predictions
  const calibrated = outcome.info.calibration !== null
  const known = outcome.outOfDistribution !== null
  const header = [
    'image',
    ...labels,
    ...(calibrated ? labels.map((label) => `${label}:calibrated`) : []),
    ...(known ? ['out_of_distribution:score', 'out_of_distribution:percentile'] : []),
  ]
  const rows = resultsOf(outcome).map(({ image, findings, outOfDistribution }) => [
    image,
    ...findings.map(({ probability }) => String(probability)),
    ...(calibrated ? findings.map((finding) => String(finding.calibrated)) : []),
    ...(known ? [String(outOfDistribution?.score), String(outOfDistribution?.percentile)] : []),
  ])
  return csvFormatRows([header, ...rows])
}

/** One row a finding, always in the same columns; what is not known is blank, `present` is 1 or 0. */
export function longCsvOf(outcome: Outcome): string {
  const header = ['image', 'label', 'probability', 'calibrated', 'threshold', 'present']
  const rows = resultsOf(outcome).flatMap(({ image, findings, outOfDistribution, warning }) =>
    findings.map(({ label, probability, calibrated, threshold, present }) =>
      [
        ...[image, label, probability, calibrated, threshold],
        ...[present === null ? null : Number(present)],
        ...[outOfDistribution?.score, outOfDistribution?.percentile, warning],
      ].map((cell) => String(cell ?? '')),
    ),
  )
  const ofImage = ['out_of_distribution:score', 'out_of_distribution:percentile', 'warning']
  return csvFormatRows([[...header, ...ofImage], ...rows])
}

/** A table an image, the most probable finding first. */
export function textOf(outcome: Outcome): string {
  return resultsOf(outcome).map(imageText).join('\n\n')
}

function imageText({ image, findings, outOfDistribution }: ImageResult): string {
  const calibrated = findings.some((finding) => finding.calibrated !== null)
  const rows = [...findings]
    .sort((a, b) => b.probability - a.probability)
    .map((finding) => [
      finding.present ? '*' : '',
      finding.label,
      finding.probability.toFixed(3),
      ...(calibrated ? [finding.calibrated?.toFixed(3) ?? '-'] : []),
      finding.threshold?.toFixed(3) ?? '-',
    ])
  const header = ['', 'finding', 'probability', ...(calibrated ? ['calibrated'] : []), 'threshold']
  const unlike =
    outOfDistribution !== null && isUnlike(outOfDistribution)
      ? `\nUnlike the images that the model knows: distance ${outOfDistribution.score.toFixed(2)}, where 99 of 100 ` +
        'validation images stay below 1.'
      : ''
  return `${image}\n${formatTable(header, rows)}${unlike}`
}

/** Images that could not be read, on standard error (JSON has them already), and exit code 1 where there are any. */
export function reportUnreadable({ predictions, unreadable }: Outcome, listed: boolean): void {
  if (unreadable.length === 0) return
  for (const { image, reason } of listed ? [] : unreadable)
    process.stderr.write(`plurad: ${reason.startsWith(image) ? reason : `${image}: ${reason}`}\n`)
  process.stderr.write(
    `${unreadable.length} of ${predictions.images.length + unreadable.length} images could not be read.\n`,
  )
  process.exitCode = 1
}
