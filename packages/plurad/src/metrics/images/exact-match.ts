import { UNDECIDED, type ImageRow } from './row.js'

/** Exact match (subset accuracy): 1 when every label of the image is called right, else 0. */
export function exactMatch({ count, truth, called }: ImageRow): number | null {
  let decided = 0
  for (let c = 0; c < count; c++) {
    if (called[c] === UNDECIDED) continue
    if (called[c] !== truth[c]) return 0
    decided++
  }
  return decided === 0 ? null : 1
}
