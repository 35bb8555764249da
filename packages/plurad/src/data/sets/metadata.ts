import type { Sex } from '../dataset.js'

/** Years that no patient is older than. */
export const OLDEST = 120

/**
 * Years from `58`, `58.0`, `058Y` or DICOM's `011M`, `003W`, `010D`.
 *
 * @returns null for blanks, other text and impossible ages (NIH's table has some over 400 years)
 */
export function parseAge(text: string): number | null {
  const years = ageInYears(text)
  return years !== null && years >= 0 && years <= OLDEST ? years : null
}

/** Years as the text has them, also impossible ones; null for blanks and other text. */
export function ageInYears(text: string): number | null {
  const match = /^(-?\d+(?:\.\d+)?)([YMWD]?)$/i.exec(text.trim())
  if (match === null) return null
  const perYear = { '': 1, Y: 1, M: 12, W: 52.1775, D: 365.2425 }[match[2].toUpperCase()] ?? 1
  return Number(match[1]) / perYear
}

/** `F`/`Female`, `M`/`Male` in any case; anything else is unknown. */
export function parseSex(text: string): Sex {
  const word = text.trim().toLowerCase()
  return word === 'f' || word === 'female' ? 'F' : word === 'm' || word === 'male' ? 'M' : null
}
