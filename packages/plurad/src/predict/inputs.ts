/** What can be predicted and loaded, in Node and in a browser alike. */
import { DataError } from '../errors.js'

/** A file's content, or where it is: a URL; in Node text is a path, in a browser a URL seen from the page. */
export type FileInput = string | URL | Blob | Uint8Array | ArrayBuffer

/** One image or, for models of several images a sample, one a place; '' for one that is missing. */
export type SampleInput = FileInput | readonly FileInput[]

/** What messages and results call it: its name or address; `image 3` of content alone. */
export function inputName(input: FileInput, position: number, what = 'image'): string {
  if (typeof input === 'string') return input
  if (input instanceof URL) return input.href
  const { name } = input as Partial<File>
  return typeof name === 'string' && name !== '' ? name : `${what} ${position + 1}`
}

/** One input a place; '' stands for none. */
export function placesOfInput(sample: SampleInput): readonly FileInput[] {
  return Array.isArray(sample) ? (sample as readonly FileInput[]) : [sample as FileInput]
}

/** @throws DataError where it cannot be read */
export async function contentOf(input: Exclude<FileInput, string>, name: string): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return input
  if (input instanceof ArrayBuffer) return new Uint8Array(input)
  if (input instanceof URL) return download(input, name)
  try {
    return new Uint8Array(await input.arrayBuffer())
  } catch (error) {
    throw new DataError(`${name} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** @throws DataError where there is no answer or an error instead of the file */
export async function download(url: URL | string, name: string): Promise<Uint8Array> {
  const failed = (reason: string, cause?: unknown): DataError =>
    new DataError(`${name} cannot be fetched: ${reason}`, { cause })
  const response = await fetch(url).catch((error: unknown) => {
    throw failed((error as Error).message, error)
  })
  if (!response.ok) throw failed(`HTTP ${response.status} ${response.statusText}`.trim())
  try {
    return new Uint8Array(await response.arrayBuffer())
  } catch (error) {
    throw failed((error as Error).message, error)
  }
}
