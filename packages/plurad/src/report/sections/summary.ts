import type { LabelMetrics } from '../../metrics/index.js'
import { formatList, formatPlural, formatScore } from '../format.js'
import { html, type Html } from '../html.js'
import { bestEpoch } from '../history.js'
import type { RunContents } from '../load.js'
import { headlineMetrics, SPLIT_NAMES } from './header.js'

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
export function summarySection(run: RunContents): Html {
  return html`<div class="lead">
    ${metricsInWords(run)} ${trainingInWords(run)} ${dataInWords(run)}
    ${run.problems.map((problem) => html`<p class="warning">${problem}</p>`)} ${missingInWords(run)}
  </div>`
}

function metricsInWords(run: RunContents): Html | null {
  const found = headlineMetrics(run)
  if (!found) return null
  const { split, metrics } = found
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
      one with probability ${formatScore(metrics.macro.auc)} on average over
      ${formatPlural(ranked.length, 'label')} (macro AUC).
      ${ends > 0 && `Best are ${named(ranked.slice(0, ends))}; worst are ${named(ranked.slice(-ends).reverse())}.`}
    </p>`
  }
  ${
    undefinedLabels.length > 0 &&
    html`<p class="warning">
      ${formatPlural(undefinedLabels.length, 'label')} without both classes in the ${where} split, left out of
      the means: ${formatList(undefinedLabels.map(({ label }) => label))}.
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

function trainingInWords({ history }: RunContents): Html | null {
  const best = bestEpoch(history)
  const last = history.at(-1)
  if (!best || !last) return null
  const since = history.filter((epoch) => epoch.epoch > best.epoch).length
  const after =
    since === 0
      ? 'the last so far, so more epochs may help'
      : `and did not rise in the ${formatPlural(since, 'epoch')} after it`
  return html`<p>
    Validation macro AUC was highest, ${formatScore(best.val_macro_auc)}, at epoch
    ${best.epoch}${since === 0 ? ',' : ''} ${after}.
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
