/** Which images make an epoch, in which order, and their batches: each with a second one where the recipe mixes them. */
import type { LabelValue } from '../data/dataset.js'
import type { Batch, ImageLoader } from '../data/loader.js'
import { Random } from '../data/random.js'
import { makeSampler } from '../data/samplers/registry.js'
import type { DrawEpoch } from '../data/samplers/sampler.js'
import { sourceOf, type ImageSource } from '../data/source.js'
import type { Recipe } from '../recipe/schema.js'
import type { TrainingSample } from './job.js'

/** Sets the second order apart. */
const PARTNERS = 0x70617274

/** Indices of samples. */
export interface EpochOrder {
  images: Uint32Array<ArrayBuffer>
  /** As many, drawn class by class, for balanced mixing; none for other mixing. */
  partners: Uint32Array<ArrayBuffer>
}

export class EpochBatches {
  readonly #settings: Recipe['training']
  readonly #loader: ImageLoader
  readonly #sources: readonly ImageSource[]
  readonly #rows: readonly (readonly LabelValue[])[]
  readonly #draw: DrawEpoch
  readonly #balanced: boolean

  /** @param rows labels of the samples, [N][C] */
  constructor(
    { training, mixing }: Recipe,
    samples: readonly TrainingSample[],
    rows: readonly (readonly LabelValue[])[],
    loader: ImageLoader,
  ) {
    this.#settings = training
    this.#loader = loader
    this.#sources = samples.map(sourceOf)
    this.#rows = rows
    this.#draw = makeSampler(rows, training.sampler)
    this.#balanced = mixing?.name === 'balanced_mixup'
  }

  /** @param epoch from 0; the order depends on nothing else */
  order(epoch: number): EpochOrder {
    const { seed } = this.#settings
    const images = this.#draw(new Random(seed, epoch))
    if (!this.#balanced) return { images, partners: new Uint32Array() }
    const sampler = { name: 'class-aware' as const, unlabelled: true, images_per_epoch: images.length }
    return { images, partners: makeSampler(this.#rows, sampler)(new Random(PARTNERS, seed, epoch)) }
  }

  /** Batches with their partners, from `startBatch` on. Their pixels are good until the next ones are asked for. */
  async *read(
    { images, partners }: EpochOrder,
    startBatch: number,
  ): AsyncGenerator<[Batch, Batch | null], void, void> {
    const batchesOf = (order: Uint32Array<ArrayBuffer>): AsyncGenerator<Batch, void, void> =>
      this.#loader.batches(this.#sources, order, this.#settings.batch_size, { startBatch, reuse: true })
    const second = partners.length === 0 ? null : batchesOf(partners)
    try {
      for await (const batch of batchesOf(images)) yield [batch, (await second?.next())?.value ?? null]
    } finally {
      await second?.return()
    }
  }
}
