/** A batch that training could not go on from, written aside for a look. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromTypedArray, scope } from '@plurad/torch'
import type { LabelledBatch } from '../data/augment/mix.js'
import { saveTensors } from './checkpoint.js'

export interface FailedBatch extends LabelledBatch {
  /** Of each row: the image's reference. */
  images: readonly string[]
}

/** Says where the batch lies now; the reason why training failed counts more than a failure to keep it. */
export function keepBatch(folder: string, batch: FailedBatch, channels: number, size: number): string {
  try {
    mkdirSync(folder, { recursive: true })
    const n = batch.images.length
    scope(() => {
      const tensors = new Map([
        ['pixels', fromTypedArray(batch.pixels, [n, channels, size, size])],
        ['targets', fromTypedArray(batch.targets, [n, batch.targets.length / n])],
      ])
      saveTensors(join(folder, 'batch.safetensors'), tensors, {})
    })
    writeFileSync(join(folder, 'images.txt'), `${batch.images.join('\n')}\n`)
    return `The batch is in ${folder}.`
  } catch (error) {
    return `The batch could not be written to ${folder}: ${(error as Error).message}.`
  }
}
