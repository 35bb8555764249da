import { coOccurrenceFigure } from '../figures/co-occurrence.js'
import type { Figure } from '../figures/figure.js'
import { labelFrequencyFigure } from '../figures/label-frequency.js'
import { formatCount, formatPercent } from '../format.js'
import { html, type Html } from '../html.js'
import type { RunContents } from '../load.js'
import { levelGrid } from '../parts.js'
import { SPLITS, type SplitSummary } from '../split-table.js'
import { SPLIT_NAMES } from '../words.js'
import { environmentText } from './reproduce.js'

/** What was learned and judged on, told apart from any other data by fingerprints. */
export function dataSection(run: RunContents): Html | null {
  const { splits } = run
  const facts = fingerprints(run)
  if (splits === null && facts.length === 0) return null
  return html`${splits !== null && splitTable(splits)}
  ${
    facts.length > 0 &&
    html`<dl class="pairs prints">
      ${facts.map(
        ([name, text]) =>
          html`<dt>${name}</dt>
            <dd>${text}</dd>`,
      )}
    </dl>`
  }`
}

function splitTable({ splits, sharedPatients }: SplitSummary): Html {
  const shown = SPLITS.filter((split) => splits[split].images > 0)
  const all = shown.reduce((sum, split) => sum + splits[split].images, 0)
  const named = sharedPatients !== null
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Splits">
    <table class="narrow">
      <thead>
        <tr>
          <th scope="col">Split</th>
          <th scope="col">Images</th>
          ${named && html`<th scope="col">Patients</th>`}
          <th scope="col">Findings</th>
          <th scope="col">Images with a finding</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map((split) => {
          const { images, patients, positives, withAny } = splits[split]
          const total = positives.reduce((sum, count) => sum + count, 0)
          return html`<tr>
            <th scope="row"><i class="key" style="--of: var(--${split})"></i>${SPLIT_NAMES[split]}</th>
            <td>${formatCount(images)} <small class="share-of">${formatPercent(images / all)}</small></td>
            ${named && html`<td>${formatCount(patients)}</td>`}
            <td>${formatCount(total)}</td>
            <td>
              ${formatCount(withAny)} <small class="share-of">${formatPercent(withAny / images)}</small>
            </td>
          </tr>`
        })}
      </tbody>
    </table>
  </div>`
}

function fingerprints(run: RunContents): [string, string][] {
  const entries: [string, string | null][] = [
    ['Data set', environmentText(run, ['data_name', 'dataset'])],
    ['Fingerprint of the table (SHA-256)', environmentText(run, ['data_fingerprint'])],
    ['Fingerprint of the split (SHA-256)', run.splitFingerprint],
  ]
  return entries.flatMap(([name, text]) => (text === null ? [] : [[name, text] as [string, string]]))
}

/** How many images show each label, in every split. */
export async function frequencySection(splits: SplitSummary): Promise<{ body: Html; figures: Figure[] }> {
  const panels = await labelFrequencyFigure(splits)
  const body = html`<p class="note">Images with each label, from the most frequent to the rarest.</p>
    ${levelGrid(
      'Label frequencies',
      panels.map(({ split, figure, width }) => ({
        title: html`<i class="key" style="--of: var(--${split})"></i>${SPLIT_NAMES[split]}`,
        svg: figure,
        width,
      })),
    )}`
  const figure: Figure = {
    name: 'label-frequency',
    title: 'Images with each label',
    panels: panels.map(({ split, figure: svg }) => ({ title: SPLIT_NAMES[split], svg })),
    columns: ['label', ...SPLITS],
    rows: splits.labels.map((label, c) => [
      label,
      ...SPLITS.map((split) => splits.splits[split].positives[c]),
    ]),
  }
  return { body, figures: [figure] }
}

/** Which labels come together. */
export async function coOccurrenceSection(splits: SplitSummary): Promise<{ body: Html; figures: Figure[] }> {
  const { figure: svg, darkest, numbers, labels } = await coOccurrenceFigure(splits)
  const { together, known } = splits
  const all = splits.labels.length
  const number = numbers ? ', and their number below it; the diagonal holds the images with the label' : ''
  const body = html`<p class="note">
      Of the images with the row’s label, the share that also has the column’s${number}. All splits together.
      The strongest cell is ${formatPercent(darkest)}.
      ${labels < all && `The ${labels} most frequent of ${all} labels are shown.`}
    </p>
    <figure class="scroll" tabindex="0">${svg}</figure>`
  const figure: Figure = {
    name: 'co-occurrence',
    title: 'Share of images with the row’s label that have the column’s',
    panels: [{ title: '', svg }],
    columns: ['label', 'with', 'images', 'share'],
    rows: splits.labels.flatMap((label, r) =>
      splits.labels.map((other, c) => [
        label,
        other,
        together[r][c],
        known[r][c] === 0 ? null : together[r][c] / known[r][c],
      ]),
    ),
  }
  return { body, figures: [figure] }
}
