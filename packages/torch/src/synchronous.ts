/**
 * Gives back the result of a body that a mode or scope was put round. A promise is refused: the mode would end before
 * the body does, and what follows its first `await` would run in another one, silently.
 */
export function synchronous<T>(result: T, what: string): T {
  if (result instanceof Promise) {
    // What the body goes on to do is no news, and must not end the process.
    result.catch(() => undefined)
    throw new TypeError(`${what} was given an asynchronous function: it ends when its body returns`)
  }
  return result
}
