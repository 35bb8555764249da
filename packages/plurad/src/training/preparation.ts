/** From the loader's batches to what a step sees: augmented, labelled, mixed. The same whenever a batch comes up. */
import { Augmenter } from '../data/augment/augment.js'
import { mix, type LabelledBatch } from '../data/augment/mix.js'
import { loadedFor } from '../data/augment/steps.js'
import type { Batch } from '../data/loader.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { Random } from '../data/random.js'
import type { Recipe } from '../recipe/schema.js'
import { augmented, targetsOf } from './batches.js'
import type { TrainingSample } from './job.js'

/** Keeps the random numbers of mixing apart from those of single images. */
const MIXING = 0x6d6978

/** What a step sees. */
export type TrainingBatch = LabelledBatch & Pick<Batch, 'indices'>

export class Preparation {
  readonly #recipe: Recipe
  readonly #samples: readonly TrainingSample[]
  readonly #labels: number
  readonly #augmenter: Augmenter
  /** How often each image has come up in this epoch, for samplers that repeat some. */
  readonly #turns: Uint32Array
  #epoch = 0

  /** @param samples what the indices of batches stand for */
  constructor(recipe: Recipe, samples: readonly TrainingSample[], labels: number) {
    this.#recipe = recipe
    this.#samples = samples
    this.#labels = labels
    const { augmentation, data } = recipe
    const { size } = loadedFor(augmentation, preprocessingOf(data))
    this.#augmenter = new Augmenter(augmentation, { channels: data.channels, size, target: data.size })
    this.#turns = new Uint32Array(samples.length)
  }

  /** @param passed what of the epoch's order is behind already */
  begin(epoch: number, passed: Uint32Array): void {
    this.#epoch = epoch
    this.#turns.fill(0)
    for (const index of passed) this.#turns[index]++
  }

  /** @param at the batch's place in the epoch */
  prepare({ indices, pixels: loaded }: Batch, at: number): TrainingBatch {
    const { data, mixing, training } = this.#recipe
    const pixels = augmented(loaded, indices, this.#augmenter, (index) => this.#randomFor(index))
    const targets = targetsOf({ indices }, this.#samples, this.#labels)
    if (mixing === null) return { indices, pixels, targets }
    const random = new Random(MIXING, training.seed, this.#epoch, at)
    return { indices, ...mix({ pixels, targets }, indices.length, mixing, data.size, random) }
  }

  /** Random numbers of the image and epoch alone, and of the turn where it comes up again. */
  #randomFor(index: number): Random {
    const { seed } = this.#recipe.training
    const turn = this.#turns[index]++
    return turn === 0 ? new Random(seed, this.#epoch, index) : new Random(seed, this.#epoch, index, turn)
  }
}
