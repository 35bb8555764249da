/** Files of weights of any kind, told by their content, behind one interface. */
import { closeSync, openSync, readSync } from 'node:fs'
import {
  isSafetensors,
  isTorchFile,
  openSafetensors,
  openTorchFile,
  SerializationError,
  type TensorFile,
} from '@plurad/torch'
import { DataError } from '../../errors.js'

/** An open file of weights. */
export interface Checkpoint {
  readonly file: string
  readonly tensors: TensorFile
  /** What the rows of its classifier stand for, where the file says it; null for a row that stands for nothing. */
  readonly labels: readonly (string | null)[] | null
}

/** Names under which training scripts keep the names of the labels. */
const LABEL_LISTS = /^(?:.*\.)?(labels|label_names|classes|class_names|pathologies)$/

/**
 * Opens a safetensors file or one of `torch.save`. Its values are read later, one tensor at a time.
 *
 * @throws DataError where it is neither, damaged, or names something to be run
 */
export function readCheckpoint(file: string): Checkpoint {
  try {
    const head = headOf(file)
    if (isTorchFile(head)) return checkpointOf(file, openTorchFile(file))
    if (isSafetensors(head)) return checkpointOf(file, openSafetensors(file))
  } catch (error) {
    if (error instanceof SerializationError) throw new DataError(error.message, { cause: error })
    throw new DataError(`The weights ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  throw new DataError(
    `${file} is neither a safetensors file nor one of torch.save (.pt, .pth, .bin): weights of other programs cannot be ` +
      'read. A download that ended in a web page looks like this too.',
  )
}

function headOf(file: string): Uint8Array {
  const head = new Uint8Array(16)
  const descriptor = openSync(file, 'r')
  try {
    return head.subarray(0, readSync(descriptor, head))
  } finally {
    closeSync(descriptor)
  }
}

function checkpointOf(file: string, tensors: TensorFile): Checkpoint {
  return { file, tensors, labels: ownLabels(tensors) ?? listedLabels(tensors) }
}

/** Of a model file that plurad wrote. */
function ownLabels({ metadata }: TensorFile): string[] | null {
  try {
    const { labels } = JSON.parse(metadata['plurad'] ?? 'null') as { labels?: unknown }
    return Array.isArray(labels) && labels.every((label) => typeof label === 'string') ? labels : null
  } catch {
    return null
  }
}

function listedLabels({ lists }: TensorFile): (string | null)[] | null {
  const found = [...lists].find(([key]) => LABEL_LISTS.test(key))
  return found === undefined ? null : found[1].map((label) => (label === '' ? null : label))
}
