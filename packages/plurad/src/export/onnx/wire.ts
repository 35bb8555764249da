/** Protocol Buffers' wire format, as far as ONNX needs it: https://protobuf.dev/programming-guides/encoding */

const [VARINT, LENGTH_DELIMITED, FIXED32] = [0, 2, 5]

/** One message under construction. Large byte fields are kept as they are, not copied, until `finish`. */
export class WireWriter {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  #push(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  #tag(field: number, type: number): void {
    this.#push(varint(field * 8 + type))
  }

  /** A whole number, of up to 64 bits with its sign. */
  int(field: number, value: number | bigint): this {
    this.#tag(field, VARINT)
    this.#push(varint(value))
    return this
  }

  /** Each as an entry of its own, as proto2 has it. */
  ints(field: number, values: readonly (number | bigint)[]): this {
    for (const value of values) this.int(field, value)
    return this
  }

  /** A number in single precision. */
  float(field: number, value: number): this {
    this.#tag(field, FIXED32)
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    this.#push(bytes)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, LENGTH_DELIMITED)
    this.#push(varint(value.length))
    this.#push(value)
    return this
  }

  string(field: number, text: string): this {
    return this.bytes(field, new TextEncoder().encode(text))
  }

  message(field: number, message: WireWriter): this {
    this.#tag(field, LENGTH_DELIMITED)
    this.#push(varint(message.#length))
    // Not spread into one call, which takes some 100,000 arguments at most.
    for (const chunk of message.#chunks) this.#chunks.push(chunk)
    this.#length += message.#length
    return this
  }

  /** The whole message in one piece. */
  finish(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }
}

/** Seven bits a byte, the lowest first; negative numbers as 64 bits in two's complement. */
function varint(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && value >= 0 && value < 128) return Uint8Array.of(value)
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
