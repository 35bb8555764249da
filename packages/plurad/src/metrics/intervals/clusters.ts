/** Images that belong together: those of one patient are no independent cases. */
export interface Clusters {
  /** [N] the cluster of each image, in 0..count-1. */
  of: Uint32Array
  count: number
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
