import { basename } from 'node:path'
import type { MultilabelMetrics } from '../../metrics/index.js'
import { formatCount, formatDuration, formatPlural, formatScore } from '../format.js'
import { html, type Html } from '../html.js'
import { bestEpoch } from '../history.js'
import type { RunContents } from '../load.js'
import { largeNumber, pageHeader } from '../page.js'
import { SPLITS } from '../split-table.js'
import { environmentText } from './reproduce.js'

export const SPLIT_NAMES = { train: 'Training', val: 'Validation', test: 'Test' } as const

/** The metrics that the report speaks of: the test split's, or validation's as long as there is no test. */
export function headlineMetrics(
  run: RunContents,
): { split: 'test' | 'val'; metrics: MultilabelMetrics } | null {
  if (run.metrics.test) return { split: 'test', metrics: run.metrics.test }
  if (run.metrics.val) return { split: 'val', metrics: run.metrics.val }
  return null
}

/** Run name, data, the three large numbers, and the sizes of the splits. */
export function headerSection(run: RunContents, sections: readonly { id: string; title: string }[]): Html {
  return pageHeader(
    { kind: 'Plurad run report', name: run.name, facts: facts(run) },
    sections,
    html`${headline(run)} ${splitSizes(run)}`,
  )
}

function facts(run: RunContents): string[] {
  const data = environmentText(run, ['data', 'dataset', 'data_name'])
  const started = environmentText(run, ['started'])
  const seconds = Number(environmentText(run, ['seconds']) ?? NaN)
  const version = environmentText(run, ['plurad', 'plurad_version'])
  const labels = run.splits?.labels.length ?? headlineMetrics(run)?.metrics.labels.length
  return [
    data && basename(data),
    labels !== undefined && formatPlural(labels, 'label'),
    // A timestamp to the minute.
    started && started.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$/, '$1 $2'),
    Number.isFinite(seconds) && formatDuration(seconds),
    version && `plurad ${version}`,
  ].filter((fact) => typeof fact === 'string')
}

function headline(run: RunContents): Html {
  const found = headlineMetrics(run)
  if (found) {
    const { macro, images } = found.metrics
    const where = `${SPLIT_NAMES[found.split].toLowerCase()}, ${formatPlural(images, 'image')}`
    const over = (count: number) => `mean of ${formatPlural(count, 'label')}`
    return html`<dl class="headline">
      ${largeNumber('Macro AUC', formatScore(macro.auc), `${where}; ${over(macro.labels_counted)}`)}
      ${largeNumber('Macro average precision', formatScore(macro.average_precision), over(macro.labels_counted))}
      ${
        macro.f1 === null
          ? largeNumber('Macro F1 at 0.5', formatScore(macro.f1_at_half), over(macro.labels_counted))
          : largeNumber(
              'Macro F1',
              formatScore(macro.f1),
              `tuned thresholds; ${over(macro.labels_with_threshold)}`,
            )
      }
    </dl>`
  }
  const best = bestEpoch(run.history)
  if (!best) return html``
  return html`<dl class="headline">
    ${largeNumber('Macro AUC so far', formatScore(best.val_macro_auc), `validation, epoch ${best.epoch}; not yet evaluated`)}
    ${largeNumber('Macro average precision', formatScore(best.val_macro_average_precision), 'validation, same epoch')}
    ${largeNumber('Epochs', formatCount(run.history.length), 'in the history')}
  </dl>`
}

function splitSizes({ splits }: RunContents): Html | null {
  if (!splits) return null
  const shown = SPLITS.filter((split) => splits.splits[split].images > 0)
  return html`<div class="share" aria-hidden="true">
      ${shown.map((split) => html`<i style="--of: var(--${split}); --share: ${splits.splits[split].images}"></i>`)}
    </div>
    <dl class="splits">
      ${shown.map((split) => {
        const { images, patients } = splits.splits[split]
        return html`<div>
          <dt><i class="key" style="--of: var(--${split})"></i>${SPLIT_NAMES[split]}</dt>
          <dd>
            ${formatPlural(images, 'image')}${patients > 0 && html` <span>${formatPlural(patients, 'patient')}</span>`}
          </dd>
        </div>`
      })}
    </dl>`
}
