import { UsageError } from '../errors.js'

/** More than any one machine has processors; thousands would bring it to a stop. */
const MAX_THREADS = 512

/** The value of `--threads`; null where it was left out. Throws `UsageError`. */
export function parseThreads(command: string, given: string | undefined): number | null {
  if (given === undefined) return null
  const threads = Number(given)
  if (Number.isInteger(threads) && threads > 0 && threads <= MAX_THREADS) return threads
  throw new UsageError(`${command}: --threads ${given}: expected a whole number from 1 to ${MAX_THREADS}`)
}
