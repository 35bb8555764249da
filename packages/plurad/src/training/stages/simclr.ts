/** SimCLR: a backbone learns from images alone, before labels are used. */
import { z } from 'zod'
import { find } from '../../data/augment/steps.js'
import { RecipeError } from '../../errors.js'
import type { HistoryRow } from '../history.js'
import { unreadableOf, warningsOf } from '../predictor.js'
import { ContrastiveNetwork } from './simclr/network.js'
import { ProjectionHead } from './simclr/projection-head.js'
import { ContrastiveTrainer } from './simclr/trainer.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from './stage.js'
import { loadWeights } from './weights.js'

const options = z.strictObject({
  /** Of NT-Xent: the smaller, the more the nearest other images count; 0.1 to 0.5 are common. */
  temperature: z.number().positive().default(0.2),
  /** Of the projection: width of its hidden layer, null for that of the features, and of what it gives. */
  projection: z
    .strictObject({
      hidden: z.int().min(1).nullable().default(null),
      dimensions: z.int().min(1).default(128),
    })
    .prefault({}),
})

class SimclrStage implements Stage {
  readonly #context: StageContext
  readonly #trainer: ContrastiveTrainer
  readonly resumesAt: number | null

  constructor(context: StageContext, { temperature, projection }: z.infer<typeof options>) {
    const { model, placement } = context
    this.#context = context
    const head = new ProjectionHead(model.backbone.featureChannels, projection)
    const network = new ContrastiveNetwork(model.backbone, head, model.settings.head.name === 'published')
    head.to({ device: placement.device })
    this.#trainer = new ContrastiveTrainer(context, network, temperature)
    const { epoch, batch } = this.#trainer.progress
    this.resumesAt = epoch + batch > 0 ? epoch + 1 : null
  }

  async run(): Promise<boolean> {
    const { job, hooks } = this.#context
    const { augmentation, training } = job.recipe
    const note = (text: string): void => hooks.post({ kind: 'note', text: `Note        simclr: ${text}` })
    if (!augmentation.some(({ name }) => find(name)?.crops))
      note('without random_resized_crop the two views of an image are told from others too easily.')
    const passed = (['sam', 'ema'] as const).filter((key) => training[key] !== null)
    if (passed.length > 0)
      note(`training.${passed.join(' and training.')} are left to the stages with labels.`)
    const finished = await this.#trainer.run()
    const { folder, model } = this.#context
    // The projection stays behind.
    if (finished) loadWeights(folder.bestCheckpoint, model.backbone, 'backbone.')
    return finished
  }

  get epochs(): number {
    return this.#trainer.progress.epoch
  }
  get bestEpoch(): number | null {
    return this.#trainer.progress.best?.epoch ?? null
  }
  get history(): readonly HistoryRow[] {
    return this.#trainer.progress.history
  }
  unreadable(): ImageNote[] {
    return unreadableOf(this.#context.job.samples, this.#context.loader)
  }
  warnings(): ImageNote[] {
    return warningsOf(this.#context.job.samples, this.#context.loader)
  }
}

/**
 * Labels are ignored, so every training image counts, with or without them. Two views of each, made by the stage's own
 * augmentation, are to be found among those of the batch (NT-Xent); the validation split is watched with the same loss, of
 * the same views after every epoch. The backbone keeps the weights of the best epoch, the projection is thrown away.
 */
export const simclr = defineStage({
  paper:
    'Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020, arXiv:2002.05709',
  options,
  check({ recipe: { augmentation, training } }) {
    if (augmentation.length === 0) {
      throw new RecipeError(
        'simclr: without augmentation the two views of an image are the same. Give the stage its own, such as ' +
          'recipe: {augmentation: simclr_radiograph}.',
      )
    }
    if (training.batch_size < 2)
      throw new RecipeError(
        'simclr: training.batch_size is 1, expected at least 2: images are told from each other.',
      )
  },
  make: (context, chosen) => new SimclrStage(context, chosen),
})
