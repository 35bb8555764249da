import type { Inspection } from '../../data/inspect/inspect.js'
import type { RowSummary, SplitSummary } from '../../data/inspect/row-summary.js'
import { formatCount, formatPlural, NO_VALUE } from '../format.js'
import { html, type Html } from '../html.js'
import { largeNumber, pageHeader, renderPage, type Section } from '../page.js'
import { contactSection, imageSection } from './image-sections.js'
import { labelSection, SPLIT_NAMES, togetherSection } from './label-sections.js'
import { patientSection } from './patient-section.js'
import { DATA_STYLE } from './style.js'

export interface InspectPageOptions {
  /** Images' names and patients may stand below their pictures. */
  withIds?: boolean
}

/** An inspection as one HTML page: light, dark, on paper and on a telephone, and nothing is loaded for it. */
export async function inspectPage(
  inspection: Inspection,
  { withIds = false }: InspectPageOptions = {},
): Promise<string> {
  const { name, rows, images, contact } = inspection
  const sections: Section[] = []
  const add = (id: string, title: string, body: Html) => sections.push({ id, title, body })
  if (rows.labels.length > 0) {
    add('labels', 'Labels', await labelSection(rows))
    add('together', 'Labels that come together', await togetherSection(rows))
  }
  add('patients', 'Patients and acquisition', await patientSection(rows))
  if (images !== null) add('images', 'Image files', await imageSection(images))
  if (contact !== null) add('contact', 'Contact sheet', contactSection(contact, withIds))
  return renderPage({
    title: `${name} – Plurad data set`,
    header: pageHeader(
      { kind: 'Plurad data set', name, facts: factsOf(inspection) },
      sections,
      headline(rows),
    ),
    sections,
    footer: footerOf(inspection, withIds),
    style: DATA_STYLE,
    pictures: true,
  })
}

function factsOf({ fingerprint, rows }: Inspection): string[] {
  const facts = [formatPlural(rows.labels.length, 'label')]
  if (rows.images !== rows.rows) facts.push(formatPlural(rows.images, 'image'))
  if (rows.skipped > 0) facts.push(`${formatPlural(rows.skipped, 'row')} cannot be used`)
  facts.push(`fingerprint ${fingerprint.slice(0, 12)}`)
  return facts
}

function footerOf({ contact }: Inspection, withIds: boolean): string {
  if (contact === null) return 'This page shows counts only.'
  const names = withIds ? 'their names and patient ids' : 'without names and patient ids'
  return `This page shows small copies of images, ${names}: treat it as the images themselves.`
}

function headline(rows: RowSummary): Html {
  const { patients, imbalance, splits, patients_with_several: several } = rows
  return html`<dl class="headline">
      ${largeNumber('Rows', formatCount(rows.rows), `${rows.mean_labels.toFixed(2)} labels each`)}
      ${
        patients === null
          ? largeNumber('Patients', NO_VALUE, 'no row names one')
          : largeNumber('Patients', formatCount(patients), `${formatCount(several)} with several rows`)
      }
      ${largeNumber(
        'Imbalance',
        imbalance === null ? NO_VALUE : `${formatCount(Math.round(imbalance))}×`,
        'most frequent to rarest label',
      )}
    </dl>
    ${splits !== null && splitSizes(splits)}`
}

function splitSizes(splits: readonly SplitSummary[]): Html {
  const of = (split: SplitSummary['split']) => (split === 'none' ? 'var(--rule)' : `var(--${split})`)
  return html`<div class="share" aria-hidden="true">
      ${splits.map(({ split, rows }) => html`<i style="--of: ${of(split)}; --share: ${rows}"></i>`)}
    </div>
    <dl class="splits">
      ${splits.map(
        ({ split, rows, patients }) =>
          html`<div>
            <dt><i class="key" style="--of: ${of(split)}"></i>${SPLIT_NAMES[split]}</dt>
            <dd>
              ${formatPlural(rows, 'row')}
              ${patients !== null && html`<span>${formatPlural(patients, 'patient')}</span>`}
            </dd>
          </div>`,
      )}
    </dl>`
}
