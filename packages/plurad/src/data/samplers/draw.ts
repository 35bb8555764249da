import type { Random } from '../random.js'

/** Draws indices with probabilities in proportion to weights, each draw independent of the others. */
export function drawByWeight(weights: ArrayLike<number>, random: Random): () => number {
  const ends = new Float64Array(weights.length)
  let total = 0
  for (let i = 0; i < weights.length; i++) ends[i] = total += weights[i]
  return () => {
    const wanted = random.next() * total
    // The first whose end lies beyond; one of no weight ends where it begins and is never it.
    let [low, high] = [0, ends.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (ends[middle] > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
