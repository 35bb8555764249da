/** Numbers for the different texts in a buffer, by a hash table over their bytes: no text is made to look one up. */
export class ByteDictionary {
  readonly #bytes: Uint8Array
  /** The code in each slot, or -1; a power of two of them. */
  #slots = new Int32Array(1024).fill(-1)
  /** By code: of up to four bytes the bytes themselves with their number, of longer ones a hash below zero. */
  readonly #keys: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The code of the bytes between two places; new ones get the next number from 0 on. */
  add(start: number, end: number): number {
    const bytes = this.#bytes
    const keys = this.#keys
    const length = end - start
    let hash = length
    let key: number
    if (length <= 4) {
      for (let at = start; at < end; at++) hash = (hash << 8) | bytes[at]
      key = (hash >>> 0) + length * 2 ** 32
      hash = Math.imul(hash, 0x9e3779b1)
    } else {
      for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193)
      key = -1 - (hash >>> 0)
    }
    // The low bits alone are poor in either.
    hash ^= hash >>> 15
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (let code = slots[slot]; code >= 0; slot = (slot + 1) & mask, code = slots[slot]) {
      if (keys[code] === key && (key >= 0 || this.#isSame(start, end, code))) return code
    }
    const code = keys.push(key) - 1
    this.#starts.push(start)
    this.#ends.push(end)
    slots[slot] = code
    if (keys.length * 2 > slots.length) this.#grow()
    return code
  }

  #isSame(start: number, end: number, code: number): boolean {
    const bytes = this.#bytes
    const other = this.#starts[code]
    if (this.#ends[code] - other !== end - start) return false
    for (let at = start, there = other; at < end; at++, there++) {
      if (bytes[at] !== bytes[there]) return false
    }
    return true
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1)
    const mask = slots.length - 1
    this.#slots = slots
    for (let code = 0; code < this.#keys.length; code++) {
      const key = this.#keys[code]
      let hash = key >= 0 ? Math.imul(key | 0, 0x9e3779b1) : -1 - key
      hash ^= hash >>> 15
      let slot = hash & mask
      while (slots[slot] >= 0) slot = (slot + 1) & mask
      slots[slot] = code
    }
  }
}
