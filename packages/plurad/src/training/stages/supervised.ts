/** Training on labels: epochs of steps, validation after each, the weights of the best one. */
import { z } from 'zod'
import type { HistoryRow } from '../history.js'
import { Trainer } from '../trainer.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from './stage.js'
import { loadWeights } from './weights.js'

export class SupervisedStage implements Stage {
  readonly #trainer: Trainer
  readonly #context: StageContext
  readonly resumesAt: number | null

  constructor(context: StageContext) {
    const { job, model, loader, placement, precision, hooks, folder } = context
    this.#context = context
    this.#trainer = new Trainer(job, { model, loader, placement, precision }, hooks, folder)
    const { epoch, batch } = this.#trainer.position
    this.resumesAt = epoch + batch > 0 ? epoch + 1 : null
  }

  async run(): Promise<boolean> {
    const finished = await this.#trainer.run()
    const { model, folder } = this.#context
    if (finished) loadWeights(folder.bestCheckpoint, model)
    return finished
  }

  get epochs(): number {
    return this.#trainer.epochs
  }
  get bestEpoch(): number | null {
    return this.#trainer.bestEpoch
  }
  get history(): readonly HistoryRow[] {
    return this.#trainer.history
  }
  unreadable(): ImageNote[] {
    return this.#trainer.unreadable()
  }
  warnings(): ImageNote[] {
    return this.#trainer.warnings()
  }
}

export const supervised = defineStage({
  paper: 'training on labels, from the weights that are there',
  options: z.strictObject({}),
  make: (context) => new SupervisedStage(context),
})
