/** Training on labels: epochs of steps, validation after each, the weights of the best one. */
import { loadSafetensors, scope } from '@plurad/torch'
import { z } from 'zod'
import { RunError } from '../../errors.js'
import type { HistoryRow } from '../history.js'
import { Trainer } from '../trainer.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from './stage.js'

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
    if (finished) scope(() => model.loadStateDict(readBest(folder.bestCheckpoint)))
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

function readBest(file: string): ReturnType<typeof loadSafetensors>['tensors'] {
  try {
    return loadSafetensors(file).tensors
  } catch (error) {
    throw new RunError(
      `The weights ${file} cannot be read: ${(error as Error).message}. They are written whenever an epoch is the best so ` +
        'far; start the run again in another folder to make them anew.',
      { cause: error },
    )
  }
}

export const supervised = defineStage({
  paper: 'training on labels, from the weights that are there',
  options: z.strictObject({}),
  make: (context) => new SupervisedStage(context),
})
