/** `--tta`, which prediction and evaluation share. */
import type { VariationSpec } from '../data/variations/variation.js'
import { viewSets } from '../data/variations/views.js'
import { UsageError } from '../errors.js'

/** For `--help`. */
export const TTA_HELP = `average the scores over further views of each image: ${viewSets
  .map(({ name, summary }) => `${name} (${summary})`)
  .join('; ')}; several with commas between`

/**
 * The views named; null without the flag.
 *
 * @throws UsageError for another name
 */
export function ttaViews(command: string, flag: string | undefined): VariationSpec | null {
  if (flag === undefined) return null
  const names = flag.split(',').map((name) => name.trim())
  const known = viewSets.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`${command}: --tta ${unknown}: expected ${known.join(', ')}`)
  return { kind: 'views', names: [...new Set(names)] }
}
