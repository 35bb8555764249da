/** Values in memory, in the machine's byte order; 64-bit integers are the nearest doubles, half floats are floats. */
export type Values =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array

/** How a file stores a value: signed, unsigned or floating point, and its bytes. */
export type StoredType = 'i1' | 'u1' | 'i2' | 'u2' | 'i4' | 'u4' | 'i8' | 'u8' | 'f2' | 'f4' | 'f8'

type Bytes = Uint8Array<ArrayBuffer>

const span = (bytes: Bytes, size: number) =>
  [bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / size)] as const

const views: Record<StoredType, (bytes: Bytes) => Values> = {
  i1: (bytes) => new Int8Array(...span(bytes, 1)),
  u1: (bytes) => new Uint8Array(...span(bytes, 1)),
  i2: (bytes) => new Int16Array(...span(bytes, 2)),
  u2: (bytes) => new Uint16Array(...span(bytes, 2)),
  i4: (bytes) => new Int32Array(...span(bytes, 4)),
  u4: (bytes) => new Uint32Array(...span(bytes, 4)),
  i8: (bytes) => Float64Array.from(new BigInt64Array(...span(bytes, 8)), Number),
  u8: (bytes) => Float64Array.from(new BigUint64Array(...span(bytes, 8)), Number),
  f2: (bytes) => fromHalfFloats(new Uint16Array(...span(bytes, 2))),
  f4: (bytes) => new Float32Array(...span(bytes, 4)),
  f8: (bytes) => new Float64Array(...span(bytes, 8)),
}

/** Bytes a value. */
export function storedBytes(type: StoredType): number {
  return Number(type[1])
}

/** The values that bytes hold; a view of them where they lie as the machine wants them, else a copy. */
export function storedValues(bytes: Uint8Array, type: StoredType, littleEndian: boolean): Values {
  const size = storedBytes(type)
  const swapped = !littleEndian && size > 1
  if (!swapped && bytes.byteOffset % size === 0) return views[type](bytes as Bytes)
  const copy = Buffer.from(new Uint8Array(bytes).buffer)
  if (swapped && size === 2) copy.swap16()
  else if (swapped && size === 4) copy.swap32()
  else if (swapped) copy.swap64()
  return views[type](copy)
}

let halfFloats: Float32Array | undefined

function fromHalfFloats(bits: Uint16Array): Float32Array {
  const table = (halfFloats ??= Float32Array.from({ length: 65536 }, (_, pattern) => halfFloat(pattern)))
  return Float32Array.from(bits, (pattern) => table[pattern])
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent with a bias of 15, 10 bits fraction. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
