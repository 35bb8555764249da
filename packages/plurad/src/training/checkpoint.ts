/**
 * Checkpoints: all that a killed run needs to go on as if nothing had happened, in one safetensors file that appears
 * whole or not at all.
 */
import { existsSync } from 'node:fs'
import {
  fromTypedArray,
  getRandomState,
  loadSafetensors,
  noGrad,
  OutOfMemoryError,
  saveSafetensors,
  scope,
  setRandomState,
  type nn,
  type optim,
  type Tensor,
} from '@plurad/torch'
import { RunError } from '../errors.js'
import { whyNotWritten } from '../files.js'
import type { HistoryRow } from './history.js'

/** Where training stands; everything but the tensors. */
export interface Progress {
  /** Finished epochs. */
  epoch: number
  /** Batches of the epoch under way that are done. */
  batch: number
  /** Optimiser updates made. */
  updates: number
  /** Sum of the epoch's losses over `lossImages` images. */
  lossSum: number
  lossImages: number
  /** Seconds that the epoch under way has taken, over all its interruptions. */
  epochSeconds: number
  best: { epoch: number; value: number } | null
  /** Epochs since the best one. */
  waited: number
  plateau: optim.PlateauState
  /** Factor that the plateau schedule puts on the learning rate. */
  plateauFactor: number
  /** Loss scaling, with float16 only. */
  scaler: optim.GradScalerState | null
  /** Updates that the moving average of the weights has seen. */
  averaged: number
  history: HistoryRow[]
  done: boolean
  /** Images that could not be read so far, over all interruptions: reference to reason. */
  unreadable: Record<string, string>
  /** What there is to know of images that could be read. */
  warnings: Record<string, string>
}

export const atTheStart = (): Progress => ({
  epoch: 0,
  batch: 0,
  updates: 0,
  lossSum: 0,
  lossImages: 0,
  epochSeconds: 0,
  best: null,
  waited: 0,
  plateau: { best: null, waited: 0, factor: 1 },
  plateauFactor: 1,
  scaler: null,
  averaged: 0,
  history: [],
  done: false,
  unreadable: {},
  warnings: {},
})

type AnyOptimizer = optim.Optimizer<{ lr: number }>

/** Writes a file of tensors, with errors that say what became of the old one. */
export function saveTensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): void {
  try {
    saveSafetensors(file, tensors, metadata)
  } catch (error) {
    throw new RunError(
      `${file} could not be written: ${whyNotWritten(error)}. If there was such a file before, it is whole and ` +
        'unchanged; train again with --resume to go on from it.',
      { cause: error },
    )
  }
}

/** @param others tensors beside those of model and optimiser, by name */
export function saveCheckpoint(
  file: string,
  model: nn.Module,
  optimizer: AnyOptimizer,
  progress: Progress,
  others: ReadonlyMap<string, Tensor> = new Map(),
): void {
  scope(() => {
    const state = optimizer.stateDict()
    const tensors = new Map<string, Tensor>([['random', fromTypedArray(getRandomState())]])
    for (const [key, tensor] of model.stateDict()) tensors.set(`model.${key}`, tensor)
    for (const [key, tensor] of state.tensors) tensors.set(`optimizer.${key}`, tensor)
    for (const [key, tensor] of others) tensors.set(`other.${key}`, tensor)
    saveTensors(file, tensors, {
      progress: JSON.stringify(progress),
      optimizer: JSON.stringify(state.scalars),
    })
  })
}

/** Puts a checkpoint back into model, optimiser, other tensors and random numbers; null where there is none. */
export function loadCheckpoint(
  file: string,
  model: nn.Module,
  optimizer: AnyOptimizer,
  others: ReadonlyMap<string, Tensor> = new Map(),
): Progress | null {
  if (!existsSync(file)) return null
  return scope(() => {
    const { tensors, metadata } = read(file)
    const part = (prefix: string): Map<string, Tensor> =>
      new Map(
        [...tensors]
          .filter(([key]) => key.startsWith(prefix))
          .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
      )
    const random = tensors.get('random')
    if (metadata['progress'] === undefined || metadata['optimizer'] === undefined || !random) {
      throw new RunError(`${file} is not a checkpoint of plurad train. ${START_ANEW}`)
    }
    try {
      const progress = { ...atTheStart(), ...(JSON.parse(metadata['progress']) as Progress) }
      model.loadStateDict(part('model.'))
      optimizer.loadStateDict({
        tensors: part('optimizer.'),
        scalars: JSON.parse(metadata['optimizer']) as optim.OptimizerState['scalars'],
      })
      const stored = part('other.')
      noGrad(() => {
        for (const [key, tensor] of others) {
          const value = stored.get(key)
          if (value?.shape.join() !== tensor.shape.join())
            throw new TypeError(`'${key}' is missing or of another shape`)
          tensor.copy_(value)
        }
      })
      setRandomState(random.toBytes())
      return progress
    } catch (error) {
      if (error instanceof OutOfMemoryError) throw error
      throw damaged(file, error)
    }
  })
}

const START_ANEW = 'Bring it back from a copy, or delete it to start this run from its beginning.'

function read(file: string): ReturnType<typeof loadSafetensors> {
  try {
    return loadSafetensors(file)
  } catch (error) {
    if (error instanceof OutOfMemoryError) throw error
    throw damaged(file, error)
  }
}

function damaged(file: string, error: unknown): RunError {
  return new RunError(`The checkpoint ${file} is damaged: ${(error as Error).message}. ${START_ANEW}`, {
    cause: error,
  })
}
