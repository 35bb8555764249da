import { coOccurrenceFigure } from '../figures/co-occurrence.js'
import { labelFrequencyFigure } from '../figures/label-frequency.js'
import { formatPercent } from '../format.js'
import { html, type Html } from '../html.js'
import type { SplitSummary } from '../split-table.js'
import { SPLIT_NAMES } from './header.js'

/** How many images show each label, in every split. */
export async function frequencySection(splits: SplitSummary): Promise<Html> {
  const panels = await labelFrequencyFigure(splits)
  // Columns as wide as the figures are to each other keep their rows level.
  const columns = panels.map(({ width }) => `${Math.round(width)}fr`).join(' ')
  return html`<p class="note">Images with each label, from the most frequent to the rarest.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Label frequencies">
      <div class="level" style="grid-template-columns: ${columns}">
        ${panels.map(
          ({ split, figure }) =>
            html`<figure>
              <figcaption><i class="key" style="--of: var(--${split})"></i>${SPLIT_NAMES[split]}</figcaption>
              ${figure}
            </figure>`,
        )}
      </div>
    </div>`
}

/** Which labels come together. */
export async function coOccurrenceSection(splits: SplitSummary): Promise<Html> {
  const { figure, darkest, numbers, labels } = await coOccurrenceFigure(splits)
  const all = splits.labels.length
  const number = numbers ? ', and their number below it; the diagonal holds the images with the label' : ''
  return html`<p class="note">
      Of the images with the row’s label, the share that also has the column’s${number}. All splits together.
      The strongest cell is ${formatPercent(darkest)}.
      ${labels < all && `The ${labels} most frequent of ${all} labels are shown.`}
    </p>
    <figure class="scroll" tabindex="0">${figure}</figure>`
}
