/** Samples by class, for samplers that draw a class first. */
import { z } from 'zod'
import { shuffle, type Random } from '../random.js'
import type { DrawEpoch, LabelRows } from './sampler.js'

export const classSettings = {
  /** Whether images without any label that is present make a class of their own; else they are never drawn. */
  unlabelled: z.boolean().default(true),
  /** Draws an epoch; null for as many as there are images. */
  images_per_epoch: z.int().min(1).nullable().default(null),
}

/**
 * The samples of each class, one list a label that some sample has: an image of several labels is in several lists. Labels
 * that are unknown do not count. Where nothing has a label, all are one class.
 *
 * @param unlabelled whether samples without a label make a further class, the last
 */
export function classLists(rows: LabelRows, unlabelled: boolean): Uint32Array[] {
  const lists: number[][] = Array.from(rows[0] ?? [], () => [])
  const rest: number[] = []
  rows.forEach((labels, row) => {
    let labelled = false
    labels.forEach((value, label) => {
      if (value !== 1) return
      labelled = true
      lists[label].push(row)
    })
    if (!labelled) rest.push(row)
  })
  const classes = lists.filter((list) => list.length > 0)
  if (rest.length > 0 && (unlabelled || classes.length === 0)) classes.push(rest)
  return classes.map((list) => Uint32Array.from(list))
}

/** Goes round a list for ever, in another order every time. */
export class Cycle {
  readonly #items: Uint32Array
  readonly #random: Random
  #next: number

  constructor(items: Uint32Array, random: Random) {
    this.#items = items.slice()
    this.#random = random
    this.#next = items.length
  }

  next(): number {
    if (this.#next === this.#items.length) {
      shuffle(this.#items, this.#random)
      this.#next = 0
    }
    return this.#items[this.#next++]
  }
}

/**
 * An epoch whose every image is of a class that was drawn before it; the images of a class take turns.
 *
 * @param pickClass gives the drawing of a class, an index into `classes`, for one epoch
 */
export function byClass(
  classes: readonly Uint32Array[],
  count: number,
  pickClass: (random: Random) => () => number,
): DrawEpoch {
  return (random) => {
    const pick = pickClass(random)
    const cycles = classes.map((list) => new Cycle(list, random))
    return Uint32Array.from({ length: count }, () => cycles[pick()].next())
  }
}
