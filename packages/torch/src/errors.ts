/** The engine refused an operation, or could not be found or loaded. */
export class EngineError extends Error {
  override name = 'EngineError'
}

/** The engine could not allocate memory for a tensor. */
export class OutOfMemoryError extends EngineError {
  override name = 'OutOfMemoryError'
}

/** A weights or checkpoint file is damaged, or does not fit the model. */
export class SerializationError extends Error {
  override name = 'SerializationError'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Gives an error of the addon its class and says which operation failed, on what. */
export function engineError(error: unknown, context: string, details: () => string = () => ''): Error {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'ERR_ARGUMENT') {
    return new TypeError(message.startsWith('aten::') ? message : `${context}: ${message}`, { cause: error })
  }
  if (code === 'ERR_OUT_OF_MEMORY') {
    return new OutOfMemoryError(
      `${context}: out of memory (${message}). Use a smaller batch or image size, or a machine with more memory.`,
      { cause: error },
    )
  }
  if (code === undefined) return error instanceof Error ? error : new EngineError(message)
  const on = details()
  return new EngineError(`${context}: ${message}${on === '' ? '' : ` (${on})`}`, { cause: error })
}
