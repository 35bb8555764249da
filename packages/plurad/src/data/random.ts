/**
 * Random numbers that are the same on every machine: integer hashing only, so that an image, a split or an epoch's
 * order depends on nothing but its seed and its number. Not for cryptography.
 */

/** Finaliser of MurmurHash3: every bit of the 32-bit input reaches every bit of the output. */
export function hash32(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** One 32-bit number out of several integers; order matters. */
export function hashOf(...values: number[]): number {
  let h = 0x9e3779b9
  for (const value of values) {
    // Both halves, so that seeds beyond 32 bits still differ.
    h = hash32(h ^ value) + 0x9e3779b9
    h = hash32(h ^ Math.floor(value / 4294967296))
  }
  return h >>> 0
}

/** A stream of random numbers (sfc32: 128 bits of state, passes PractRand), named by the integers it is seeded with. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1
  #spare: number | null = null

  constructor(...key: number[]) {
    this.#a = hashOf(1, ...key) | 0
    this.#b = hashOf(2, ...key) | 0
    this.#c = hashOf(3, ...key) | 0
    for (let i = 0; i < 12; i++) this.next()
  }

  /** Uniform in [0, 1). */
  next(): number {
    const t = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0
    return (t >>> 0) / 4294967296
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** Uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** Normal with the given mean and standard deviation (polar Box-Muller, pairs kept). */
  normal(mean = 0, deviation = 1): number {
    if (this.#spare !== null) {
      const value = this.#spare
      this.#spare = null
      return mean + deviation * value
    }
    for (;;) {
      const u = 2 * this.next() - 1
      const v = 2 * this.next() - 1
      const s = u * u + v * v
      if (s >= 1 || s === 0) continue
      const factor = Math.sqrt((-2 * Math.log(s)) / s)
      this.#spare = v * factor
      return mean + deviation * u * factor
    }
  }

  /** Normal, cut off at two deviations: for lengths and densities that must stay plausible. */
  bounded(mean: number, deviation: number): number {
    return mean + deviation * Math.max(-2, Math.min(2, this.normal()))
  }
}

/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return shuffle([...items], random)
}

/** Puts a list itself into random order. */
export function shuffle<List extends unknown[] | Uint32Array>(items: List, random: Random): List {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.integer(last + 1)
    const moved = items[last]
    items[last] = items[other]
    items[other] = moved
  }
  return items
}
