/** Bits of a key looked at in one pass; 11 keeps the counters (2,048 of them) in the fastest cache. */
const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
/** Six digits cover the 64 bits: three of the low word (11, 11, 10), three of the high word. */
const PASSES = 6

/**
 * The order that sorts `values` from high to low: `values[order[0]]` is the largest. Equal values keep
 * their order (stable), and -0 equals 0.
 *
 * Least-significant-digit radix sort on the bits of the numbers: linear in their count. A digit that all
 * keys share is skipped, which makes scores that came from float32 (29 empty low bits) a third cheaper.
 *
 * @param values [N], any number but NaN; infinities are allowed.
 * @returns [N] indices into `values`.
 * @throws RangeError when a value is NaN, which has no place in an order.
 */
export function argsortDescending(values: Float64Array): Uint32Array {
  const count = values.length
  const { low, high } = descendingKeys(values)
  const histograms = digitHistograms(low, high)

  let order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  let scratch = new Uint32Array(count)

  for (let pass = 0; pass < PASSES; pass++) {
    const histogram = histograms.subarray(pass * DIGITS, (pass + 1) * DIGITS)
    const word = pass < 3 ? low : high
    const shift = (pass % 3) * DIGIT_BITS
    if (count === 0 || histogram[(word[0] >>> shift) & (DIGITS - 1)] === count) continue
    let start = 0
    for (let digit = 0; digit < DIGITS; digit++) {
      const here = histogram[digit]
      histogram[digit] = start
      start += here
    }
    for (let i = 0; i < count; i++) {
      const index = order[i]
      const digit = (word[index] >>> shift) & (DIGITS - 1)
      scratch[histogram[digit]++] = index
    }
    ;[order, scratch] = [scratch, order]
  }
  return order
}

/** Where the half of a number with its sign is: second on a little-endian machine. */
const HIGH_WORD = new Uint32Array(Float64Array.of(-1).buffer)[1] === 0 ? 0 : 1

/** 64-bit keys, as two 32-bit words, whose unsigned ascending order is the descending order of the numbers. */
function descendingKeys(values: Float64Array): { low: Uint32Array; high: Uint32Array } {
  const count = values.length
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * count)
  const low = new Uint32Array(count)
  const high = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const value = values[i]
    if (value !== value) throw new RangeError(`values[${i}] is NaN: only numbers can be sorted`)
    // A positive number's bits grow with it, so they are inverted; a negative one's already fall.
    // -0 takes the way of 0.
    const negative = value < 0
    const top = words[2 * i + HIGH_WORD]
    const bottom = words[2 * i + 1 - HIGH_WORD]
    high[i] = negative ? top : ~top & 0x7fffffff
    low[i] = negative ? bottom : ~bottom
  }
  return { low, high }
}

/** How often each value of each digit occurs: [PASSES * DIGITS], lowest digit first. */
function digitHistograms(low: Uint32Array, high: Uint32Array): Uint32Array {
  const histograms = new Uint32Array(PASSES * DIGITS)
  const mask = DIGITS - 1
  for (let i = 0; i < low.length; i++) {
    const [bottom, top] = [low[i], high[i]]
    histograms[bottom & mask]++
    histograms[DIGITS + ((bottom >>> DIGIT_BITS) & mask)]++
    histograms[2 * DIGITS + (bottom >>> (2 * DIGIT_BITS))]++
    histograms[3 * DIGITS + (top & mask)]++
    histograms[4 * DIGITS + ((top >>> DIGIT_BITS) & mask)]++
    histograms[5 * DIGITS + (top >>> (2 * DIGIT_BITS))]++
  }
  return histograms
}
