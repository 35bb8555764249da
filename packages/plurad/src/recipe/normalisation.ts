/** Mean and deviation of a recipe that states none: those that its weights were trained with, else 0.5 and 0.25. */
import { knownCheckpoint, normalisationOf } from '../models/weights/sources.js'

export function impliedNormalisation(
  weights: string | null,
  channels: number,
): { mean: number | number[]; std: number | number[] } {
  const known = weights === null ? null : knownCheckpoint(weights)
  return known === null ? { mean: 0.5, std: 0.25 } : normalisationOf(known, channels)
}
