/** Lists of images with something to know of each: `skipped.csv`, `warnings.csv`. */
import { csvFormatRows } from 'd3-dsv'
import { writeFileAtomic } from '../files.js'

interface Note {
  image: string
  reason: string
}

/** Writes `image,<column>`. Throws `RunError` where the file cannot be written. */
export async function writeNotes(file: string, column: string, notes: readonly Note[]): Promise<void> {
  const rows = notes.map(({ image, reason }) => [image, reason])
  await writeFileAtomic(file, `${csvFormatRows([['image', column], ...rows])}\n`)
}

/** Lines that still help; thousands would hide everything else. */
const SHOWN = 5

/** Says on standard error what there is to know of images, and of how many. */
export function printWarnings(warnings: readonly Note[]): void {
  if (warnings.length === 0) return
  for (const { image, reason } of warnings.slice(0, SHOWN))
    process.stderr.write(`plurad: warning: ${image}: ${reason}\n`)
  const rest = warnings.length > SHOWN ? `, ${SHOWN} of them shown` : ''
  process.stderr.write(`${warnings.length} image(s) with a warning${rest}.\n`)
}
