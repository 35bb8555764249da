import type { LoadedImage, PackRefusal } from './load-image.js'

/** What a loader has learned of files so far, by file: pixels for later epochs, failures, warnings. */
export class KnownImages {
  /** Files that could not be read, with the reason; none of them is tried again. */
  readonly failures = new Map<string, string>()
  /** What a user should know of files that could be read. */
  readonly warnings = new Map<string, string>()
  /** Files that were decoded although the pack has them, with the reason. */
  readonly refused = new Map<string, PackRefusal>()
  /** Never evicts: epochs visit everything once, in changing order, so the first that fit are as good as any. */
  readonly #pixels = new Map<string, Uint16Array>()
  readonly #room: number
  #bytes = 0

  /** @param room for pixels, bytes */
  constructor(room: number) {
    this.#room = room
  }

  /** Of pixels, at present. */
  get bytes(): number {
    return this.#bytes
  }

  /** What reading the file would give; null where it is not known. */
  get(path: string): LoadedImage | null {
    const pixels = this.#pixels.get(path)
    if (pixels !== undefined) return { pixels }
    const reason = this.failures.get(path)
    return reason === undefined ? null : { reason }
  }

  /** Remembers what reading a file gave; its pixels are copied, as far as there is room. */
  add(path: string, image: LoadedImage): void {
    if (image.refused !== undefined) this.refused.set(path, image.refused)
    if ('reason' in image) {
      this.failures.set(path, image.reason)
      return
    }
    if (image.warning !== undefined) this.warnings.set(path, image.warning)
    const { byteLength } = image.pixels
    if (this.#pixels.has(path) || this.#bytes + byteLength > this.#room) return
    this.#pixels.set(path, image.pixels.slice())
    this.#bytes += byteLength
  }

  /** Gives the pixels' memory back. */
  clear(): void {
    this.#pixels.clear()
    this.#bytes = 0
  }
}
