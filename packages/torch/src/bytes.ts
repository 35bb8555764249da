import { OutOfMemoryError } from './errors.js'
import { native, type Handle } from './native.js'

/**
 * A row-major copy of a tensor's bytes. The memory is asked for in JavaScript, where a refusal is an error that can be
 * caught; inside the addon it would end the process.
 */
export function copyBytes(handle: Handle): Uint8Array<ArrayBuffer> {
  const length = native.nbytes(handle)
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = new Uint8Array(length)
  } catch (error) {
    throw new OutOfMemoryError(`${length} bytes for a copy of a tensor could not be allocated`, {
      cause: error,
    })
  }
  native.readInto(handle, bytes)
  return bytes
}
