/** What the readers of image files had to say of their values and headers. */
import { warningKind } from '../inspect/image-summary.js'
import type { FactsTable } from './facts-table.js'
import { counted, type Finding, type Outcome } from './finding.js'
import type { Subject } from './subject.js'

/** CT windows leave out most of what is measured, air and bone: that alone is nothing to worry about. */
const EXPECTED = /^[^;]*outside of the window$/

export function readerWarnings(subject: Subject, facts: FactsTable): Outcome {
  const found = warned(facts, (warning) => !EXPECTED.test(warning))
  if (found.length === 0) return { passed: 'no reader warns of a file' }
  return {
    severity: 'warning',
    summary: `${counted(found.length, 'image')} with values or headers that are odd`,
    advice:
      'Look at them. Set data.bits (16-bit PNG and TIFF) or data.window (DICOM, NIfTI, arrays) to what the files hold.',
    ...byKind(subject, facts, found),
  }
}

export function outsideWindow(subject: Subject, facts: FactsTable): Outcome {
  const found = warned(facts, (warning) => EXPECTED.test(warning))
  if (found.length === 0) return { passed: 'no file has most of its values outside of its window' }
  return {
    severity: 'note',
    summary: `${counted(found.length, 'image')} with most values outside of the window`,
    advice: 'Usual for CT. Where it is not meant, choose another data.window.',
    ...byKind(subject, facts, found),
  }
}

/** Images of which a reader said such a thing; empty ones are reported as that. */
function warned(facts: FactsTable, such: (warning: string) => boolean): number[] {
  return [...facts.warnings]
    .filter(([image, warning]) => !facts.isEmpty(image) && such(warning))
    .map(([image]) => image)
    .sort((a, b) => a - b)
}

/** Names of a kind of warning that are given. */
const NAMED = 3

/** One item a kind of warning. */
function byKind(
  subject: Subject,
  facts: FactsTable,
  found: readonly number[],
): Pick<Finding, 'count' | 'items' | 'images' | 'references'> {
  const kinds = new Map<string, number[]>()
  for (const image of found) {
    const kind = warningKind(facts.warnings.get(image) ?? '')
    const before = kinds.get(kind)
    if (before === undefined) kinds.set(kind, [image])
    else before.push(image)
  }
  const sorted = [...kinds].sort(([, a], [, b]) => b.length - a.length)
  return {
    count: found.length,
    items: sorted.map(([kind, images]) => {
      const names = images.slice(0, NAMED).map((image) => subject.describe(image))
      return `${kind}: ${counted(images.length, 'image')}${images.length > NAMED ? ', such as' : ','} ${names.join(', ')}`
    }),
    images: subject.names(found),
    references: sorted.map(([, images]) => subject.each(images).flat()),
  }
}
