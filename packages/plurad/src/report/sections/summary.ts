import type { LabelMetrics } from '../../metrics/index.js'
import { meanInterval, type Evaluated } from '../evaluated.js'
import { formatError, formatList, formatPlural, formatScore, formatWithInterval } from '../format.js'
import { bestEpoch, monitored } from '../history.js'
import { html, type Html } from '../html.js'
import type { RunContents } from '../load.js'
import type { StoredSubgroups } from '../subgroups-file.js'
import { CALIBRATION_NAMES, MONITOR_NAMES, splitWords, SPLIT_NAMES } from '../words.js'

/** What the files that may be missing would have shown. */
const PURPOSE: Record<string, string> = {
  'metrics.json': 'metrics, as the run has not been evaluated',
  'history.jsonl': 'the course of training',
  'predictions/val.csv': 'validation predictions',
  'predictions/test.csv': 'test predictions',
  'split.csv': 'split sizes, label frequencies and co-occurrence',
  'recipe.yaml': 'the recipe',
  'environment.json': 'environment and command',
  'skipped.csv': 'the count of skipped images',
}

/** The report in words: what works, what does not, and what a reader must know before trusting the numbers. */
export function summarySection(run: RunContents, evaluated: Evaluated | null): Html {
  return html`<div class="lead">
    ${
      evaluated !== null &&
      html`${metricsInWords(evaluated)} ${tailInWords(evaluated)} ${calibrationInWords(evaluated)}
      ${run.subgroups !== null && subgroupsInWords(run.subgroups)}`
    }
    ${trainingInWords(run)} ${dataInWords(run)}
    ${run.problems.map((problem) => html`<p class="warning">${problem}</p>`)} ${missingInWords(run)}
  </div>`
}

function metricsInWords(evaluated: Evaluated): Html {
  const { split, metrics } = evaluated
  const where = SPLIT_NAMES[split].toLowerCase()
  const ranked = metrics.labels
    .filter((label): label is LabelMetrics & { auc: number } => label.auc !== null)
    .sort((a, b) => b.auc - a.auc)
  const undefinedLabels = metrics.labels.filter((label) => label.positives === 0 || label.negatives === 0)
  const untuned = metrics.macro.labels_counted - metrics.macro.labels_with_threshold
  const ends = Math.min(3, Math.floor(ranked.length / 2))
  const named = (labels: readonly { label: string; auc: number }[]) =>
    formatList(labels.map(({ label, auc }) => `${label} (${formatScore(auc)})`))
  return html`${
    ranked.length > 0 &&
    html`<p>
      On ${formatPlural(metrics.images, `${where} image`)} the model ranks a positive image above a negative
      one with probability ${formatWithInterval(metrics.macro.auc, meanInterval(evaluated, 'macro', 'auc'))}
      on average over ${formatPlural(ranked.length, 'label')} (macro AUC).
      ${ends > 0 && `Best are ${named(ranked.slice(0, ends))}; worst are ${named(ranked.slice(-ends).reverse())}.`}
      ${chanceWords(evaluated)}
    </p>`
  }
  ${
    undefinedLabels.length > 0 &&
    html`<p class="warning">
      ${formatPlural(undefinedLabels.length, 'label')} without both classes in the ${splitWords(evaluated)},
      left out of the means: ${formatList(undefinedLabels.map(({ label }) => label))}.
    </p>`
  }
  ${
    untuned > 0 &&
    metrics.macro.labels_with_threshold > 0 &&
    html`<p>
      ${formatPlural(untuned, 'label')} had no threshold tuned and ${untuned === 1 ? 'is' : 'are'} left out of
      macro F1.
    </p>`
  }
  ${split === 'val' && html`<p class="warning">These are validation numbers: the model was chosen on them, so they flatter.</p>`}`
}

/** Labels whose AUC may as well be chance. */
function chanceWords({ intervals }: Evaluated): string {
  const unsure = (intervals?.labels ?? []).filter(({ intervals: of }) => {
    const interval = of.auc ?? null
    return interval !== null && interval[0] <= 0.5 && interval[1] >= 0.5
  })
  if (unsure.length === 0) return ''
  const names = formatList(unsure.map(({ label }) => label))
  return `For ${unsure.length === 1 ? names : `${formatPlural(unsure.length, 'label')} (${names})`} the interval of the AUC holds 0.5: better than chance is not shown.`
}

function tailInWords(evaluated: Evaluated): Html | null {
  const groups = evaluated.measured?.metrics.groups ?? evaluated.metrics.groups
  const [head, tail] = [groups?.head, groups?.tail]
  if (head === undefined || tail === undefined || head.auc === null || tail.auc === null) return null
  return html`<p>
    Macro AUC is ${formatWithInterval(head.auc, meanInterval(evaluated, 'head', 'auc'))} over the
    ${formatPlural(head.labels.length, 'frequent label')} and
    ${formatWithInterval(tail.auc, meanInterval(evaluated, 'tail', 'auc'))} over the
    ${formatPlural(tail.labels.length, 'rare label')}.
  </p>`
}

function calibrationInWords({ metrics }: Evaluated): Html | null {
  const { calibration, macro } = metrics
  if (calibration === undefined || macro.ece === null) return null
  return html`<p>
    Probabilities are calibrated (${CALIBRATION_NAMES[calibration.method] ?? calibration.method}, on the
    validation split): mean calibration error ${formatError(calibration.before.ece)} before,
    ${formatError(macro.ece)} after.
  </p>`
}

/** The largest gap between two groups of one attribute that are not small. */
function subgroupsInWords({ attributes }: StoredSubgroups): Html | null {
  const gaps = attributes.flatMap(({ name, groups }) => {
    const judged = groups
      .filter(({ small, value }) => !small && value !== 'unknown')
      .flatMap(({ value, comparable: { auc } }) =>
        auc.value === null ? [] : [{ value, auc: auc.value, of: auc }],
      )
      .sort((a, b) => a.auc - b.auc)
    const [low, high] = [judged[0], judged.at(-1)]
    return judged.length < 2 || high === undefined ? [] : [{ name, low, high, gap: high.auc - low.auc }]
  })
  const [widest] = gaps.sort((a, b) => b.gap - a.gap)
  if (widest === undefined) return null
  const { name, low, high } = widest
  const [a, b] = [low.of.interval, high.of.interval]
  const overlap = a !== null && b !== null && a[1] >= b[0]
  return html`<p>
    Of the subgroups, the widest gap is by ${name}: mean AUC ${formatWithInterval(low.auc, a)} for
    ${low.value} and ${formatWithInterval(high.auc, b)} for
    ${high.value}${overlap ? '; the intervals overlap' : ''}.
  </p>`
}

function trainingInWords({ stages, metrics }: RunContents): Html | null {
  const stage = stages.at(-1)
  if (stage === undefined || stage.kept === null) return null
  const { kept, epochs, monitor } = stage
  const name = MONITOR_NAMES[monitor]
  const since = epochs.filter(({ epoch }) => epoch > kept.epoch).length
  const best = bestEpoch(epochs, monitor)
  const evaluated = metrics.test !== null || metrics.val !== null
  const after =
    since === 0
      ? 'the last one so far, so more epochs may help'
      : `and it was not ${monitor === 'loss' ? 'lower' : 'higher'} in the ${formatPlural(since, 'epoch')} after it`
  const value = `validation ${name} ${formatScore(monitored(kept, monitor))}`
  return html`<p>
    ${evaluated ? 'Kept are the weights of' : 'The best so far is'} epoch
    ${kept.epoch}${stage.name === null ? '' : ` of stage ${stage.name}`}
    (${value})${best?.epoch === kept.epoch ? `, ${after}` : ''}.
  </p>`
}

function dataInWords({ splits, skipped }: RunContents): Html[] {
  const said: Html[] = []
  if (splits) {
    const shared = splits.sharedPatients
    if (shared === null) {
      said.push(
        html`<p class="warning">
          The table names no patients, so it cannot be told whether the splits share any.
        </p>`,
      )
    } else if (shared > 0) {
      said.push(
        html`<p class="warning">
          ${formatPlural(shared, 'patient')} ${shared === 1 ? 'is' : 'are'} in more than one split: the
          numbers flatter and must not be compared with others.
        </p>`,
      )
    } else {
      said.push(html`<p>No patient is in more than one split.</p>`)
    }
  }
  if (skipped !== null) {
    const sentence =
      skipped === 0
        ? 'No image was skipped.'
        : `${formatPlural(skipped, 'image')} could not be read and ${skipped === 1 ? 'was' : 'were'} skipped.`
    said.push(html`<p>${sentence}</p>`)
  }
  return said
}

function missingInWords({ missing }: RunContents): Html | null {
  if (missing.length === 0) return null
  return html`<p class="note">
    Not in the run folder, and so not in this report:
    ${formatList(missing.map((file) => `${file} (${PURPOSE[file] ?? 'unknown'})`))}.
  </p>`
}
