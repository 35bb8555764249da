/** How a width is shared out among the heads of an attention layer. */

/** As many as are wanted, or the most below that divide the width. */
export function headsFor(dim: number, wanted: number): number {
  let heads = Math.min(wanted, dim)
  while (dim % heads !== 0) heads--
  return heads
}

/** For the options of a head: a width and a number that were both chosen have to go with each other. */
export const DIVISIBLE = {
  check: ({ dim, heads }: { dim: number | null; heads: number | null }): boolean =>
    dim === null || heads === null || dim % heads === 0,
  issue: { path: ['heads'], error: 'dim has to be a multiple of it' },
}
