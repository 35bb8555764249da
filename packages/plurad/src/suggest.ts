/**
 * The candidate that a misspelt word most likely meant, for "did you mean …?" messages.
 *
 * @returns null where nothing is within about a third of the word's length (edit distance; letter case,
 * spaces and punctuation ignored)
 */
export function closest(word: string, candidates: Iterable<string>): string | null {
  const wanted = plain(word)
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** ` Did you mean "x"?`, with its leading space, or nothing: to end a message with. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const guess = closest(word, candidates)
  return guess === null ? '' : ` Did you mean "${guess}"?`
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment):
 * `trian` is one slip away from `train`, not two.
 */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(
        Math.min(
          previous[column - 1] + (same ? 0 : 1),
          previous[column] + 1,
          current[column - 1] + 1,
          swapped ? (beforePrevious[column - 2] ?? Infinity) + 1 : Infinity,
        ),
      )
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length]
}

function plain(word: string): string {
  const letters = word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
  return letters === '' ? word : letters
}
