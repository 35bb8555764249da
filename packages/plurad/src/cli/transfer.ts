/** Bytes on their way, for people: how many, how fast, how long still. */
import { formatBytes } from '../disk-space.js'
import { duration } from './progress.js'

/** Seconds that a rate is averaged over: long enough to be calm, short enough to follow the network. */
const WINDOW = 10

/** Bytes a second of late. */
export class TransferRate {
  #marks: { at: number; bytes: number }[] = []
  readonly #now: () => number

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** @param bytes all that have arrived; fewer than before where a transfer begins anew */
  add(bytes: number): void {
    const at = this.#now()
    const last = this.#marks.at(-1)
    if (last !== undefined && bytes < last.bytes) this.#marks = []
    // Ten marks a second do, whatever the number of pieces.
    else if (last !== undefined && this.#marks.length > 1 && at - (this.#marks.at(-2)?.at ?? 0) < 100)
      this.#marks.pop()
    this.#marks.push({ at, bytes })
    while (this.#marks.length > 2 && at - (this.#marks[1]?.at ?? at) > WINDOW * 1000) this.#marks.shift()
  }

  /** 0 while nothing is known. */
  get bytesPerSecond(): number {
    const [first] = this.#marks
    const last = this.#marks.at(-1)
    if (first === undefined || last === undefined || last.at === first.at) return 0
    return (1000 * (last.bytes - first.bytes)) / (last.at - first.at)
  }
}

/** `1.2 GB of 3.9 GB, 14 MB/s, 3:12 left`. */
export function transferText(
  received: number,
  total: number | null,
  { bytesPerSecond }: TransferRate,
): string {
  const of = total === null ? '' : ` of ${formatBytes(total)}`
  if (bytesPerSecond === 0) return `${formatBytes(received)}${of}`
  const left = total === null ? '' : `, ${duration((total - received) / bytesPerSecond)} left`
  return `${formatBytes(received)}${of}, ${formatBytes(Math.round(bytesPerSecond))}/s${left}`
}
