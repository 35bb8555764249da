/** A number for every position of a grid: how much it speaks for a label (positive) or against it (negative). */
export interface Heatmap {
  /** Rows and columns; a third dimension before them in volumes. */
  shape: readonly number[]
  /** Row-major. */
  values: Float32Array
}

/** How a method's values are to be read. */
export type Resolution = 'map' | 'pixels'

/** Rows and columns of a heatmap of an image. Throws `RangeError` for one of a volume. */
export function sidesOf({ shape }: Heatmap): { height: number; width: number } {
  if (shape.length !== 2)
    throw new RangeError(`a heatmap of [${shape.join(', ')}]: expected rows and columns`)
  return { height: shape[0], width: shape[1] }
}

/** What speaks for the label; the rest is 0. */
export function positivePart({ shape, values }: Heatmap): Heatmap {
  return { shape, values: values.map((value) => Math.max(0, value)) }
}

/** The smallest value that a share `at` in [0, 1] of all values do not exceed. */
export function quantileOf(values: Float32Array, at: number): number {
  const sorted = values.toSorted()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(at * sorted.length) - 1))] ?? 0
}

/**
 * Convolved with a Gaussian of standard deviation `sigma` positions along both sides; what lies outside counts as nothing,
 * the weights inside are brought to a sum of one. 0 changes nothing.
 */
export function smoothed(heatmap: Heatmap, sigma: number): Heatmap {
  if (sigma <= 0) return heatmap
  const { height, width } = sidesOf(heatmap)
  const rows = blurLines(heatmap.values, { lines: height, length: width, step: 1, jump: width }, sigma)
  const values = blurLines(rows, { lines: width, length: height, step: width, jump: 1 }, sigma)
  return { shape: heatmap.shape, values }
}

interface Lines {
  lines: number
  length: number
  /** From one value of a line to the next, and from one line to the next. */
  step: number
  jump: number
}

function blurLines(values: Float32Array, { lines, length, step, jump }: Lines, sigma: number): Float32Array {
  const reach = Math.ceil(3 * sigma)
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  )
  const result = new Float32Array(values.length)
  for (let line = 0; line < lines; line++) {
    for (let at = 0; at < length; at++) {
      let [sum, total] = [0, 0]
      for (let other = Math.max(0, at - reach); other <= Math.min(length - 1, at + reach); other++) {
        const weight = weights[other - at + reach]
        sum += weight * values[line * jump + other * step]
        total += weight
      }
      result[line * jump + at * step] = sum / total
    }
  }
  return result
}
