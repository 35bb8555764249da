/**
 * Which labels a virtual image has: LDRNet's reverse sampling (Huang et al., 2024, eq. 12 and 13),
 * p_c = (1 / (F_c + eps))^alpha / sum_j (1 / (F_j + eps))^alpha, with F_c the training images that have label c.
 * Integer hashing only: the same draws on every machine.
 */
import type { Random } from '../../../data/random.js'

/**
 * - `paper`: label c is present where r_c <= p_c, as printed. The p_c add up to 1, so that a virtual image has one label on
 *   average and frequent ones nearly vanish: with the paper's counts of ChestX-ray14 Hernia is present in 0.50 of the virtual
 *   images, Infiltration in 0.008.
 * - `balanced`: the same order of labels, but `target` of them present on average, and none in fewer than `floor` or more than
 *   1 - floor of the virtual images: rate = clip(target p_c / mean p). Every classifier sees both values of its label.
 * - `anchored`: one label drawn by p_c is present, every other one as often as in the training images with that label: labels
 *   occur together as they really do.
 * - `uniform`: the same rate for all, 1 / C, which is `paper` at alpha 0: the paper's ablation.
 */
export const SAMPLING_MODES = ['paper', 'balanced', 'anchored', 'uniform'] as const

export type SamplingMode = (typeof SAMPLING_MODES)[number]

export interface SamplingSettings {
  mode: SamplingMode
  /** 0 for no difference between labels, 1 for full inverse frequency. */
  alpha: number
  /** `balanced`: share of labels present, before clipping. */
  target: number
  /** `balanced`: smallest share of virtual images with, and without, a label. */
  floor: number
}

export interface LabelCounts {
  /** Training images with each label, [C]. */
  positives: readonly number[]
  /** Training images with both labels, [C][C]. */
  together: readonly (readonly number[])[]
}

const EPSILON = 1e-9

/**
 * p_c, [C]; 0 for labels that cannot be drawn.
 *
 * @param drawable whether there are features to draw of a label, present and absent; a label without images would take all
 */
export function reverseProbabilities(
  positives: readonly number[],
  alpha: number,
  drawable: readonly boolean[] = positives.map(() => true),
): number[] {
  const weights = positives.map((count, c) => (drawable[c] ? (1 / (count + EPSILON)) ** alpha : 0))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => (sum === 0 ? 0 : weight / sum))
}

/** Draws the labels of virtual images. */
export class LabelSampler {
  /** How often each label will be present, [C], as a share of the virtual images; NaN for one that cannot be drawn. */
  readonly rates: readonly number[]
  readonly #drawable: readonly boolean[]
  /** For `anchored`: p_c and, for each anchor, the rate of every other label. */
  readonly #anchors: { probabilities: readonly number[]; rates: readonly (readonly number[])[] } | null

  constructor(
    { positives, together }: LabelCounts,
    settings: SamplingSettings,
    drawable: readonly boolean[] = positives.map(() => true),
  ) {
    const { mode, alpha, target, floor } = settings
    const p = reverseProbabilities(positives, mode === 'uniform' ? 0 : alpha, drawable)
    const count = drawable.filter(Boolean).length
    this.#drawable = drawable
    this.#anchors = null
    let rates: readonly number[] = p
    if (mode === 'balanced') rates = p.map((own) => clip(target * own * count, floor, 1 - floor))
    if (mode === 'anchored') {
      const given = together.map((row, a) =>
        row.map((both, c) => (a === c ? 1 : positives[a] > 0 ? both / positives[a] : 0)),
      )
      this.#anchors = { probabilities: p, rates: given }
      rates = p.map((_, c) => p.reduce((sum, own, a) => sum + own * given[a][c], 0))
    }
    this.rates = rates.map((rate, c) => (drawable[c] ? rate : NaN))
  }

  /**
   * logit(rate) - logit(share of the real images), [C]: how much more likely virtual images make each label; 0 for one that
   * cannot be drawn. Rates of 1 (a label that all others come with) count as 1 - 1e-6.
   *
   * @param known real images of which each label is known, [C]
   */
  offsets(positives: readonly number[], known: readonly number[]): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.rates, (rate, c) =>
      this.#drawable[c] ? logit(clip(rate, 1e-6, 1 - 1e-6)) - logit(positives[c] / known[c]) : 0,
    )
  }

  /** Labels of so many virtual images, [count, C] row by row: 1, 0, NaN for a label that cannot be drawn. */
  draw(count: number, random: Random): Float32Array<ArrayBuffer> {
    const labels = this.rates.length
    const drawn = new Float32Array(count * labels)
    for (let row = 0; row < count; row++) {
      const rates = this.#anchors === null ? this.rates : this.#anchors.rates[this.#anchor(random)]
      for (let c = 0; c < labels; c++) {
        // A number for every label, so that one label's rate does not move the others' draws.
        const present = random.chance(rates[c])
        drawn[row * labels + c] = this.#drawable[c] ? Number(present) : NaN
      }
    }
    return drawn
  }

  #anchor(random: Random): number {
    const probabilities = this.#anchors?.probabilities ?? []
    let rest = random.next()
    for (const [c, probability] of probabilities.entries()) {
      rest -= probability
      if (rest < 0) return c
    }
    // What rounding leaves over falls to the last label that can be drawn.
    return probabilities.findLastIndex((probability) => probability > 0)
  }
}

function logit(share: number): number {
  return Math.log(share / (1 - share))
}

function clip(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
