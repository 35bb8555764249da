/** What a corruption is. To add one: a file beside this and a line in `registry.ts`. */
import type { Operation, Picture } from '../../augment/operation.js'
import type { Random } from '../../random.js'

/** Something that happens to images outside the lab, from mild to strong. */
export interface Corruption {
  name: string
  /** What its amounts are, for people. */
  amount: string
  /** From severity 1 to {@link SEVERITIES}. */
  amounts: readonly number[]
  /** Changes the pixels in place; they stay in [0, 1]. */
  apply: (picture: Picture, amount: number, random: Random) => void | Promise<void>
}

export const SEVERITIES = 5

/** A corruption that an augmentation of training makes with fixed settings. */
export function corruptionBy(
  operation: Operation,
  description: Omit<Corruption, 'apply'>,
  settingsOf: (amount: number, size: number) => Record<string, unknown>,
): Corruption {
  return {
    ...description,
    apply(picture, amount, random) {
      const bound = operation.bind({ p: 1, ...settingsOf(amount, picture.size) })
      if (bound.kind !== 'intensity') throw new TypeError(`${operation.name} moves pixels`)
      bound.apply(picture, random)
    },
  }
}
