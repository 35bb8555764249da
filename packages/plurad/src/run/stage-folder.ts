/** Where one stage of a run keeps what it writes. */
import { join, resolve } from 'node:path'

/** What a stage has folders for. */
export const STAGE_FOLDERS = ['checkpoints/last', 'checkpoints/best'] as const

export class StageFolder {
  readonly root: string

  constructor(root: string) {
    this.root = resolve(root)
  }

  get history(): string {
    return this.file('history.jsonl')
  }
  get lastCheckpoint(): string {
    return this.file('checkpoints/last/checkpoint.safetensors')
  }
  get bestCheckpoint(): string {
    return this.file('checkpoints/best/model.safetensors')
  }
  /** The weights that the stage hands on; written once it is at its end. */
  get finalWeights(): string {
    return this.file('final.safetensors')
  }
  get failedBatch(): string {
    return this.file('failed-batch')
  }

  /** Something of the stage's own. */
  file(name: string): string {
    return join(this.root, name)
  }
}
