import type { Attributes } from './attributes.js'
import type { Tag } from './tags.js'

/** A table from whole numbers to 0 ... 2^bits - 1 (PS3.3, C.11.1.1). */
export interface LookupTable {
  /** The input of the first entry; less give the first entry too, those past the table the last. */
  first: number
  entries: Uint16Array
  bits: number
}

/**
 * @param inputs least and greatest value that can come in, which tell the sign of the first input
 * @returns null where there is none
 * @throws Error where it is shorter than it claims
 */
export function readLookupTable(
  attributes: Attributes,
  tags: { descriptor: Tag; data: Tag },
  inputs: readonly [number, number],
): LookupTable | null {
  const descriptor = attributes.words(tags.descriptor)
  const data = attributes.words(tags.data)
  if (descriptor.length < 3 || data.length === 0) return null
  const count = descriptor[0] === 0 ? 2 ** 16 : descriptor[0]
  const bits = descriptor[2]
  if (bits < 1 || bits > 16) throw new Error(`its lookup table claims entries of ${bits} bits`)
  const packed = data.length < count
  if (packed && 2 * data.length < count)
    throw new Error(`its lookup table claims ${count} entries and has ${data.length}`)
  const entries = packed
    ? Uint16Array.from({ length: count }, (_, index) => (data[index >> 1] >> (8 * (index % 2))) & 0xff)
    : data.subarray(0, count)
  return { first: firstInput(descriptor[1], attributes.vr(tags.descriptor), inputs), entries, bits }
}

/** The descriptor's type is ambiguous, and files get it wrong: a value that can only be negative is. */
function firstInput(word: number, vr: string | null, [least, greatest]: readonly [number, number]): number {
  const negative = word - 2 ** 16
  if (word < 2 ** 15) return word
  return vr === 'SS' || (word > greatest && negative >= least) ? negative : word
}

export function lookUp({ first, entries }: LookupTable, input: number): number {
  return entries[Math.min(Math.max(Math.round(input) - first, 0), entries.length - 1)]
}
