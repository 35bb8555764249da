/** How the report writes numbers and lists: one way everywhere. */

export const NO_VALUE = '–'

/** 25596 -> `25,596` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** A metric or probability to three decimals. */
export function formatScore(value: number | null | undefined): string {
  return value === null || value === undefined ? NO_VALUE : value.toFixed(3)
}

/** A share as a percentage: one decimal below ten, so that rare labels differ. */
export function formatPercent(share: number): string {
  const percent = 100 * share
  return `${percent.toFixed(percent < 9.95 && percent > 0 ? 1 : 0)}%`
}

/** `1 image`, `25,596 images` */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `Hernia`, `Hernia and Mass`, `Hernia, Mass and Edema` */
export function formatList(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`
}

/** 11520 -> `3 h 12 min` */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
