import { basename } from 'node:path'
import { meanInterval, type Evaluated } from '../evaluated.js'
import { formatCount, formatDuration, formatInterval, formatPlural, formatScore } from '../format.js'
import { monitored } from '../history.js'
import { html, type Html } from '../html.js'
import type { RunContents } from '../load.js'
import { largeNumber, pageHeader } from '../page.js'
import { SPLITS } from '../split-table.js'
import { MONITOR_NAMES, SPLIT_NAMES } from '../words.js'
import { environmentText } from './reproduce.js'

const KINDS = {
  run: 'Plurad run report',
  ensemble: 'Plurad ensemble report',
  evaluation: 'Plurad evaluation report',
} as const

/** Run name, data, the three large numbers, and the sizes of the splits. */
export function headerSection(
  run: RunContents,
  evaluated: Evaluated | null,
  sections: readonly { id: string; title: string }[],
): Html {
  return pageHeader(
    { kind: KINDS[run.kind], name: run.name, facts: facts(run, evaluated) },
    sections,
    html`${evaluated === null ? soFar(run) : headline(evaluated)} ${splitSizes(run)}`,
  )
}

function facts(run: RunContents, evaluated: Evaluated | null): string[] {
  const data = environmentText(run, ['data_name', 'data', 'dataset'])
  const started = environmentText(run, ['started'])
  const seconds = Number(environmentText(run, ['seconds']) ?? NaN)
  const version = environmentText(run, ['plurad', 'plurad_version'])
  const labels = run.splits?.labels.length ?? evaluated?.metrics.labels.length
  return [
    data && basename(data),
    labels !== undefined && formatPlural(labels, 'label'),
    // A timestamp to the minute.
    started && started.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$/, '$1 $2'),
    Number.isFinite(seconds) && formatDuration(seconds),
    version && `plurad ${version}`,
  ].filter((fact) => typeof fact === 'string')
}

function headline(evaluated: Evaluated): Html {
  const { split, metrics } = evaluated
  const { macro, images } = metrics
  const where = `${SPLIT_NAMES[split].toLowerCase()}, ${formatPlural(images, 'image')}`
  const over = (count: number) => `mean of ${formatPlural(count, 'label')}`
  const number = (
    name: string,
    of: 'auc' | 'average_precision' | 'f1' | 'f1_at_half',
    under: string,
  ): Html => {
    const interval = meanInterval(evaluated, 'macro', of)
    return largeNumber(
      name,
      formatScore(macro[of]),
      html`${interval && html`<b>${formatInterval(interval)}</b>`} ${under}`,
    )
  }
  return html`<dl class="headline">
    ${number('Macro AUC', 'auc', `${where}; ${over(macro.labels_counted)}`)}
    ${number('Macro average precision', 'average_precision', over(macro.labels_counted))}
    ${
      macro.f1 === null
        ? number('Macro F1 at 0.5', 'f1_at_half', over(macro.labels_counted))
        : number('Macro F1', 'f1', `at the thresholds; ${over(macro.labels_with_threshold)}`)
    }
  </dl>`
}

/** Of a run that has not been evaluated: what its best epoch had on the validation split. */
function soFar({ stages }: RunContents): Html {
  const stage = stages.at(-1)
  const kept = stage?.kept
  if (stage === undefined || kept === null || kept === undefined) return html``
  const { monitor } = stage
  const epochs = stages.reduce((sum, { epochs: of }) => sum + of.length, 0)
  const name = MONITOR_NAMES[monitor]
  const others = (['macro_auc', 'macro_average_precision'] as const).filter((other) => other !== monitor)
  return html`<dl class="headline">
    ${largeNumber(`${capital(name)} so far`, formatScore(monitored(kept, monitor)), `validation, epoch ${kept.epoch}; not yet evaluated`)}
    ${largeNumber(capital(MONITOR_NAMES[others[0]]), formatScore(monitored(kept, others[0])), 'validation, same epoch')}
    ${largeNumber('Epochs', formatCount(epochs), 'in the history')}
  </dl>`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
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
