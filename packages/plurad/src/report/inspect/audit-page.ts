import type { Audit, NamedFinding } from '../../data/audit/audit.js'
import { MOST_OF_ONE } from '../../data/audit/pictures.js'
import { severities, type Severity } from '../../data/audit/finding.js'
import { formatCount, formatPlural } from '../format.js'
import { html, type Html } from '../html.js'
import { largeNumber, pageHeader, renderPage, type Section } from '../page.js'
import { pictureOf } from './parts.js'
import { DATA_STYLE } from './style.js'

const COLOURS: Record<Severity, string> = {
  error: 'var(--error)',
  warning: 'var(--val)',
  note: 'var(--train)',
}

const MEANING: Record<Severity, string> = {
  error: 'results would be wrong',
  warning: 'worth a look',
  note: 'good to know',
}

export interface AuditPageOptions {
  /** Items of a finding that are shown. */
  items: number
  /** Small JPEGs by image reference; images that are not in it are named only. */
  pictures?: ReadonlyMap<string, Uint8Array>
}

/** An audit as one HTML page: light, dark, on paper and on a telephone, and nothing is loaded for it. */
export function auditPage(audit: Audit, { items, pictures = new Map() }: AuditPageOptions): string {
  const { name, findings, passed, notChecked } = audit
  const sections: Section[] = []
  const add = (id: string, title: string, body: Html) => sections.push({ id, title, body })
  if (findings.length > 0) {
    add('findings', 'Findings', html`${findings.map((finding) => findingOf(finding, items, pictures))}`)
  }
  if (passed.length > 0) add('fine', 'Fine', list(passed.map(({ summary }) => summary)))
  if (notChecked.length > 0) add('not-checked', 'Not checked', list(notChecked.map(({ reason }) => reason)))
  return renderPage({
    title: `${name} – Plurad data audit`,
    header: pageHeader(
      { kind: 'Plurad data audit', name, facts: factsOf(audit) },
      sections,
      headline(findings),
    ),
    sections,
    footer: 'This page names images and may show small copies of them: treat it as the images themselves.',
    style: DATA_STYLE,
    pictures: true,
  })
}

function factsOf({ rows, images, patients, labels, splits }: Audit): string[] {
  return [
    formatPlural(rows, 'row'),
    ...(images === rows ? [] : [formatPlural(images, 'image')]),
    patients === null ? 'patients unknown' : formatPlural(patients, 'patient'),
    formatPlural(labels, 'label'),
    ...(splits === null
      ? ['no split given']
      : Object.entries(splits).map(([split, count]) => `${split} ${formatCount(count)}`)),
  ]
}

function headline(findings: readonly NamedFinding[]): Html {
  return html`<dl class="headline">
    ${severities.map((severity) => {
      const count = findings.filter((finding) => finding.severity === severity).length
      const title = `${severity[0].toUpperCase()}${severity.slice(1)}s`
      return largeNumber(title, formatCount(count), MEANING[severity])
    })}
  </dl>`
}

function findingOf(
  { severity, summary, advice, items, references = [] }: NamedFinding,
  most: number,
  pictures: ReadonlyMap<string, Uint8Array>,
): Html {
  const shown = items.slice(0, most)
  const left = items.length - shown.length
  const seen = references.slice(0, most).map((group, index) => ({
    description: items[index] ?? '',
    jpegs: group.slice(0, MOST_OF_ONE).flatMap((reference) => pictures.get(reference) ?? []),
  }))
  return html`<div class="finding" style="--of: ${COLOURS[severity]}">
    <h3><span>${severity}</span>${summary}</h3>
    ${
      shown.length > 0 &&
      html`<ul>
        ${shown.map((item) => html`<li>${item}</li>`)}
        ${left > 0 && html`<li>… and ${formatCount(left)} more</li>`}
      </ul>`
    }
    ${
      seen.some(({ jpegs }) => jpegs.length > 0) &&
      html`<div class="pictures">
        ${seen.map(
          ({ description, jpegs }) =>
            html`<div class="group">${jpegs.map((jpeg) => pictureOf(jpeg, description))}</div>`,
        )}
      </div>`
    }
    <p class="note">${advice}</p>
  </div>`
}

function list(sentences: readonly string[]): Html {
  return html`<ul class="plain">
    ${sentences.map((sentence) => html`<li>${sentence}</li>`)}
  </ul>`
}
