/** Text of a typed cell, as a CSV file of the same table would have it; null for what is no single value. */
export function textOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value.trim()
    case 'number':
      return Number.isNaN(value) ? '' : String(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'undefined':
      return ''
    default:
      return value === null ? '' : value instanceof Date ? dateText(value) : null
  }
}

/** `2024-05-31`, with the time where there is one. */
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return ''
  return date
    .toISOString()
    .replace(/T00:00:00\.000Z$/, '')
    .replace(/(?:\.000)?Z$/, '')
}
