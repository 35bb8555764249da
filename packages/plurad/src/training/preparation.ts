/** From the loader's batches to what a step sees: augmented, labelled, mixed. The same whenever a batch comes up. */
import { Augmenter } from '../data/augment/augment.js'
import { mix, mixBalanced, type LabelledBatch } from '../data/augment/mix.js'
import { loadedFor } from '../data/augment/steps.js'
import type { Batch } from '../data/loader.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { Random } from '../data/random.js'
import type { Recipe } from '../recipe/schema.js'
import { augmented, smooth, targetsOf } from './batches.js'
import type { TrainingSample } from './job.js'
import { revealLabels } from './side-input.js'

/** Keeps the random numbers of mixing apart from those of single images. */
const MIXING = 0x6d6978
/** Sets apart those of an image as a partner of balanced mixing. */
const PARTNER = 0x706172

/** Sets those of label-mask training apart. */
const REVEALING = 0x726576

/** What a step sees. */
export interface TrainingBatch extends LabelledBatch, Pick<Batch, 'indices'> {
  /** Labels that the head is shown, [N, C], NaN for the others; null where it wants none. */
  shown: Float32Array | null
}

export class Preparation {
  readonly #recipe: Recipe
  readonly #samples: readonly TrainingSample[]
  readonly #labels: number
  readonly #reveals: boolean
  readonly #augmenter: Augmenter
  /** How often each image has come up in this epoch, for samplers that repeat some. */
  readonly #turns: Uint32Array
  /** The same for the second batches of balanced mixing. */
  readonly #partnerTurns: Uint32Array
  #epoch = 0

  /**
   * @param samples what the indices of batches stand for
   * @param reveals whether the head is shown some of the labels
   */
  constructor(
    recipe: Recipe,
    samples: readonly TrainingSample[],
    { labels, reveals }: { labels: number; reveals: boolean },
  ) {
    this.#recipe = recipe
    this.#samples = samples
    this.#labels = labels
    this.#reveals = reveals
    const { augmentation, data } = recipe
    const { size } = loadedFor(augmentation, preprocessingOf(data))
    this.#augmenter = new Augmenter(augmentation, { channels: data.channels, size, target: data.size })
    this.#turns = new Uint32Array(samples.length)
    this.#partnerTurns = new Uint32Array(samples.length)
  }

  /**
   * @param passed what of the epoch's order is behind already
   * @param passedPartners the same of the second order of balanced mixing
   */
  begin(epoch: number, passed: Uint32Array, passedPartners: Uint32Array): void {
    this.#epoch = epoch
    this.#turns.fill(0)
    this.#partnerTurns.fill(0)
    for (const index of passed) this.#turns[index]++
    for (const index of passedPartners) this.#partnerTurns[index]++
  }

  /**
   * @param at the batch's place in the epoch
   * @param partner the second batch of balanced mixing; null for none
   */
  prepare(batch: Batch, at: number, partner: Batch | null): TrainingBatch {
    const { training } = this.#recipe
    const { pixels, targets } = this.#mixed(batch, at, partner)
    const random = new Random(REVEALING, training.seed, this.#epoch, at)
    const shown = this.#reveals ? revealLabels(targets, this.#labels, random) : null
    smooth(targets, training.label_smoothing)
    return { indices: batch.indices, pixels, targets, shown }
  }

  #mixed(batch: Batch, at: number, partner: Batch | null): LabelledBatch {
    const { data, mixing, training } = this.#recipe
    const count = batch.indices.length
    const labelled = this.#labelled(batch, (index) => this.#randomFor(index))
    if (mixing === null) return labelled
    const random = new Random(MIXING, training.seed, this.#epoch, at)
    if (partner === null) return mix(labelled, count, mixing, data.size, random)
    const other = this.#labelled(partner, (index) => this.#randomForPartner(index))
    return mixBalanced(labelled, count, other, partner.indices.length, mixing, random)
  }

  #labelled({ indices, pixels }: Batch, randomOf: (index: number) => Random): LabelledBatch {
    return {
      pixels: augmented(pixels, indices, this.#augmenter, randomOf),
      targets: targetsOf({ indices }, this.#samples, this.#labels),
    }
  }

  /** Random numbers of the image and epoch alone, and of the turn where it comes up again. */
  #randomFor(index: number): Random {
    const { seed } = this.#recipe.training
    const turn = this.#turns[index]++
    return turn === 0 ? new Random(seed, this.#epoch, index) : new Random(seed, this.#epoch, index, turn)
  }

  #randomForPartner(index: number): Random {
    return new Random(PARTNER, this.#recipe.training.seed, this.#epoch, index, this.#partnerTurns[index]++)
  }
}
