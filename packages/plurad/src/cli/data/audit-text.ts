/** An audit as text for people, at most 100 columns wide. */
import type { Audit, NamedFinding } from '../../data/audit/audit.js'
import { counted } from '../../data/audit/finding.js'
import { wrapped } from '../wrap.js'

/** Examples of a finding that are shown; all images are in the JSON. */
export const EXAMPLES = 10

const INDENT = ' '.repeat(9)

export function auditText(audit: Audit, written: readonly string[]): string {
  const { findings, passed, notChecked } = audit
  const blocks = [
    [headline(audit)],
    ...findings.map(findingText),
    ...(passed.length === 0
      ? []
      : [
          listed(
            'Fine',
            passed.map(({ summary }) => summary),
          ),
        ]),
    ...(notChecked.length === 0
      ? []
      : [
          listed(
            'Not checked',
            notChecked.map(({ reason }) => reason),
          ),
        ]),
    [verdict(audit), ...(written.length === 0 ? [] : [`Written  ${written.join(', ')}`])],
  ]
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`
}

function headline({ name, rows, images, patients, labels, splits }: Audit): string {
  const files = images === rows ? '' : ` with ${counted(images, 'image')}`
  const of = patients === null ? 'patients unknown' : counted(patients, 'patient')
  const split =
    splits === null
      ? 'no split given'
      : Object.entries(splits)
          .map(([part, number]) => `${part} ${number.toLocaleString('en-US')}`)
          .join(', ')
  return `${name}: ${counted(rows, 'row')}${files}, ${of}, ${counted(labels, 'label')}; ${split}`
}

function findingText({ severity, check, summary, advice, items }: NamedFinding): string[] {
  const shown = items.slice(0, EXAMPLES)
  const left = items.length - shown.length
  return [
    ...wrapped(`${summary}  [${check}]`, INDENT, severity.toUpperCase().padEnd(INDENT.length)),
    ...shown.flatMap((item) => wrapped(item, `${INDENT}  `, INDENT)),
    ...(left > 0 ? [`${INDENT}… and ${left.toLocaleString('en-US')} more`] : []),
    ...wrapped(advice, `${INDENT}   `, `${INDENT}-> `),
  ]
}

function listed(title: string, sentences: readonly string[]): string[] {
  return [title, ...sentences.flatMap((sentence) => wrapped(sentence, INDENT, '  - '))]
}

function verdict({ findings }: Audit): string {
  const of = (wanted: string): number => findings.filter(({ severity }) => severity === wanted).length
  const parts = [
    counted(of('error'), 'error'),
    counted(of('warning'), 'warning'),
    counted(of('note'), 'note'),
  ]
  return `${parts.join(', ')}.`
}
