/** What an audit can say. */

/**
 * - `error`: results on this data would be wrong, such as too good through leakage.
 * - `warning`: worth a look; some images or labels are likely not what they should be.
 * - `note`: good to know; nothing has to be done.
 */
export type Severity = 'error' | 'warning' | 'note'

export const severities: readonly Severity[] = ['error', 'warning', 'note']

export interface Finding {
  severity: Severity
  /** What was found and how often, in one sentence without the full stop. */
  summary: string
  /** What to do about it. */
  advice: string
  /** How many images, rows, patients or labels: what `summary` counts. */
  count: number
  /** One line each of what was found, all of them, in a fixed order. */
  items: readonly string[]
  /** The images concerned, as the data set names them; none where it is about labels. */
  images: readonly string[]
  /** Of each item the image references to look at; left out where there is nothing to see. */
  references?: readonly (readonly string[])[]
}

/** The outcome of one check: something found, nothing found, or why it could not be told. */
export type Outcome = Finding | { passed: string } | { notChecked: string }

/** 1 -> `1 image`, 1234 -> `1,234 images` */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`
}
