import type { RankedLabel } from '../column.js'
import type { Cases } from '../registry.js'

/** Images that belong together: those of one patient are no independent cases. */
export interface Clusters {
  /** [N] the cluster of each image, in 0..count-1. */
  of: Uint32Array
  count: number
}

/** How many independent cases (clusters) there are of one label. */
export type CaseCounts = Readonly<Record<Cases, number>>

/** [L] of each label; an image without a known truth is nobody's case. */
export function countCases(labels: readonly RankedLabel[], { of, count }: Clusters): CaseCounts[] {
  return labels.map(({ rows, truth }) => {
    const seen = new Uint8Array(count)
    rows.forEach((row, place) => (seen[of[row]] |= truth[place] === 1 ? 1 : 2))
    let [present, absent, all] = [0, 0, 0]
    for (const kinds of seen) {
      if (kinds & 1) present++
      if (kinds & 2) absent++
      if (kinds > 0) all++
    }
    return { present, absent, fewer: Math.min(present, absent), all }
  })
}

/** One cluster a patient; an image of unknown patient is a cluster of its own. */
export function patientClusters(patients: readonly (string | null)[]): Clusters {
  const of = new Uint32Array(patients.length)
  const numbers = new Map<string, number>()
  let count = 0
  for (const [row, patient] of patients.entries()) {
    const known = patient === null ? undefined : numbers.get(patient)
    of[row] = known ?? count
    if (known !== undefined) continue
    if (patient !== null) numbers.set(patient, count)
    count++
  }
  return { of, count }
}
