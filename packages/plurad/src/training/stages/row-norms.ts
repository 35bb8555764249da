/** What becomes of the lengths of a classifier's rows, in a line. */

/**
 * Frequent labels tend to have the longer rows: the ratio of the longest to the shortest says how far apart they are.
 *
 * @param before [C], L2 norms
 */
export function describeNorms(before: readonly number[], after: readonly number[]): string {
  const range = (norms: readonly number[]): string => {
    const [least, most] = [Math.min(...norms), Math.max(...norms)]
    return `${least.toPrecision(3)} to ${most.toPrecision(3)}`
  }
  return `Row norms   ${range(before)} before, ${range(after)} after`
}
