/** At most `most` of the numbers from 0 to `count - 1`, evenly apart. */
export function evenly(count: number, most: number): number[] {
  const taken = Math.min(count, most)
  return Array.from({ length: taken }, (_, at) => Math.floor((at * count) / taken))
}

/** At most `most` of the items, evenly apart, in their order. */
export function evenlyFrom<Item>(items: readonly Item[], most: number): Item[] {
  return evenly(items.length, most).map((at) => items[at])
}
