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

/** An error near 0, of which three decimals leave little: `0.0123`. */
export function formatError(value: number | null | undefined): string {
  return value === null || value === undefined ? NO_VALUE : value.toFixed(4)
}

/** `0.790–0.834` */
export function formatInterval(
  [low, high]: readonly [number, number],
  format: (value: number | null) => string = formatScore,
): string {
  return `${format(low)}–${format(high)}`
}

/** `0.812 (0.790–0.834)`; the score alone where it has no interval. */
export function formatWithInterval(
  value: number | null,
  interval: readonly [number, number] | null | undefined,
  format: (value: number | null) => string = formatScore,
): string {
  return interval === null || interval === undefined
    ? format(value)
    : `${format(value)} (${formatInterval(interval, format)})`
}

/** A share as a percentage: one decimal below ten, so that rare labels differ. */
export function formatPercent(share: number): string {
  const percent = 100 * share
  if (percent > 0 && percent < 0.05) return '<0.1%'
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
