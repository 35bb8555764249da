import { namedWindows, type WindowChoice } from '../preprocessing.js'
import { UnsupportedError } from './format.js'

/** The measured values that become black (`low` and below) and white (`high` and above). */
export interface ValueRange {
  low: number
  high: number
}

/**
 * The range that a `WindowChoice` means for a file of measurements. A centre and a width span `center - width / 2` to
 * `center + width / 2`.
 *
 * @param own the windows that the file itself asks for, the preferred one first
 * @param full what `full` means for it; called only where that is chosen
 * @throws UnsupportedError for a preset that the file does not have
 */
export function chosenRange(
  choice: WindowChoice,
  own: readonly ValueRange[],
  full: () => ValueRange,
): ValueRange {
  if (choice === 'full') return full()
  if (choice === 'file') return own[0] ?? full()
  if (typeof choice === 'string') {
    const [center, width] = namedWindows[choice]
    return around(center, width)
  }
  if ('center' in choice) return around(choice.center, choice.width)
  const preset = own[choice.preset]
  if (preset === undefined) {
    throw new UnsupportedError(
      `window preset ${choice.preset} was asked for, but the file has ${own.length} windows of its own, ` +
        "counted from 0. Set data.window to 'file', 'full' or a centre and a width",
    )
  }
  return preset
}

function around(center: number, width: number): ValueRange {
  return { low: center - width / 2, high: center + width / 2 }
}

/** Writes `values[i]` through a window to `grid[at + i]`: 0 black, 65535 white. What is not a number becomes black. */
export function windowToGrid(
  values: ArrayLike<number>,
  { low, high }: ValueRange,
  grid: Uint16Array,
  at = 0,
): void {
  const scale = 65535 / (high - low)
  for (let index = 0; index < values.length; index++) {
    grid[at + index] = Math.min(65535, Math.max(0, (values[index] - low) * scale + 0.5))
  }
}

/** Least and greatest of the finite values; null where there is none. */
export function finiteRange(values: ArrayLike<number>): ValueRange | null {
  let low = Infinity
  let high = -Infinity
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    // Two comparisons that infinities and NaN never pass.
    if (value < low && value > -Infinity) low = value
    if (value > high && value < Infinity) high = value
  }
  return low <= high ? { low, high } : null
}
