import { reliabilityBins } from '../../metrics/index.js'
import { labelInterval, meanInterval, type Evaluated } from '../evaluated.js'
import type { Figure } from '../figures/figure.js'
import { reliabilityFigure, type LabelReliability } from '../figures/reliability.js'
import { formatError, formatList } from '../format.js'
import { breakable, html, type Html } from '../html.js'
import { panelGrid } from '../parts.js'
import { numberTable, type Row } from '../table.js'
import { CALIBRATION_NAMES } from '../words.js'
import { colourOf } from './curves.js'

/** Whether a probability means what it says; null where there are no predictions. */
export async function calibrationSection(
  evaluated: Evaluated,
): Promise<{ body: Html; figures: Figure[] } | null> {
  const { measured, metrics } = evaluated
  if (measured === null) return null
  const { calibration } = metrics
  const labels = measured.columns.flatMap((column, c): LabelReliability[] => {
    const bands = measured.bands[c]
    if (bands === null) return []
    const before = calibration?.reliability.find(({ label }) => label === column.label)?.before ?? null
    return [{ label: column.label, ece: metrics.labels[c].ece, bins: bands.reliability, before }]
  })
  const figure = await reliabilityFigure(labels, colourOf(evaluated))
  const rows = metrics.labels.map((label, c): Row => {
    const column = measured.columns[c]
    const known = column.positives + column.negatives
    const said = reliabilityBins(column).reduce((sum, { probabilities }) => sum + probabilities, 0)
    const errors = (['ece', 'brier'] as const).map((name) => ({
      value: label[name],
      interval: labelInterval(evaluated, label.label, name),
      format: formatError,
    }))
    const counted = known > 0 && label.ece !== null
    return {
      name: label.label,
      head: breakable(label.label),
      cells: [
        ...errors,
        { value: counted ? said / known : null },
        { value: counted ? column.positives / known : null },
      ],
    }
  })
  const foot: Row = {
    name: 'Mean',
    head: html`Mean`,
    cells: [
      ...(['ece', 'brier'] as const).map((name) => ({
        value: metrics.macro[name],
        interval: meanInterval(evaluated, 'macro', name),
        format: formatError,
      })),
      { value: null },
      { value: null },
    ],
  }
  const columns = ['Label', 'Calibration error', 'Brier score', 'Mean probability', 'Share of positives']
  const body = html`<p class="note">
      In each of 15 bins of the probability the share of positives should equal the mean probability: points
      on the dotted line. Upright lines are 95 % intervals from samples of the patients; grey bars say how
      many images a bin has (logarithmic); the number is the expected calibration error (ECE). Of a rare
      finding ECE and Brier score are small for any model that says so.
      ${
        calibration === undefined
          ? 'No calibration was fitted: these are the probabilities as the model gives them.'
          : `Calibrated by ${CALIBRATION_NAMES[calibration.method] ?? calibration.method} on the validation split; the dashed line is before. ` +
            `Mean ECE ${formatError(calibration.before.ece)} before, ${formatError(metrics.macro.ece)} after; ` +
            `mean Brier score ${formatError(calibration.before.brier)} before, ${formatError(metrics.macro.brier)} after.` +
            (calibration.uncalibrated.length === 0
              ? ''
              : ` Left as they are, as the validation split says too little of them: ${formatList(calibration.uncalibrated)}.`)
      }
      ${leavesOut(evaluated) && 'Bins scatter more in a sample than in the images themselves, so that intervals of ECE lie high and may not hold their figure.'}
    </p>
    ${panelGrid(figure.panels)} ${numberTable('Calibration per label', columns, rows, foot)}`
  return { body, figures: [figure] }
}

/** Whether the interval of a calibration error does not hold the error itself. */
function leavesOut(evaluated: Evaluated): boolean {
  return evaluated.metrics.labels.some(({ label, ece }) => {
    const interval = labelInterval(evaluated, label, 'ece')
    return interval && ece !== null && (ece < interval[0] || ece > interval[1])
  })
}
