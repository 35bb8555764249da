import type { DType } from '../dtype.js'
import type { Tensor } from '../tensor.js'

/** What is known of a tensor in a file before its values are read. */
export interface TensorEntry {
  readonly dtype: DType
  readonly shape: readonly number[]
}

/** An open file of tensors: what it holds is known, values are read one tensor at a time. */
export interface TensorFile {
  readonly entries: ReadonlyMap<string, TensorEntry>
  /** Free text that the file carries. */
  readonly metadata: Readonly<Record<string, string>>
  /** Lists of texts that stand beside the tensors, such as label names, by their key. */
  readonly lists: ReadonlyMap<string, readonly string[]>
  /** Throws `SerializationError` where there is no such tensor or its values are not all there. */
  read(key: string): Tensor
  close(): void
}
