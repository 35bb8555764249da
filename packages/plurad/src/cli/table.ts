/** Aligned columns for the console: text to the left, numbers to the right, at most 100 columns wide in all. */

export type Cell = string | number | null

export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  digits = 3,
): string {
  const text = (cell: Cell): string =>
    cell === null
      ? '-'
      : typeof cell === 'number'
        ? Number.isInteger(cell)
          ? String(cell)
          : cell.toFixed(digits)
        : cell
  const cells = [header.map(String), ...rows.map((row) => row.map(text))]
  const widths = header.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  const right = header.map((_, i) => rows.some((row) => typeof row[i] === 'number'))
  return cells
    .map((row) =>
      row
        .map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A metric to be printed: always with its decimals, also where it is 0 or 1. */
export function decimal(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? '-' : value.toFixed(digits)
}
