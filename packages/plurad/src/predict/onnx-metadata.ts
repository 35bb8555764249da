/** The metadata of a .onnx file, which onnxruntime does not hand out: read from Protocol Buffers' wire format. */

/** `ModelProto.metadata_props` and, within an entry, key and value (onnx.proto). */
const [METADATA_PROPS, KEY, VALUE] = [14, 1, 2]

/** @throws RangeError where the bytes are no whole Protocol Buffers message */
export function readOnnxMetadata(model: Uint8Array): Map<string, string> {
  const metadata = new Map<string, string>()
  for (const { field, bytes } of fields(model)) {
    if (field !== METADATA_PROPS || bytes === null) continue
    let [key, value] = ['', '']
    for (const entry of fields(bytes)) {
      const text = entry.bytes === null ? '' : new TextDecoder().decode(entry.bytes)
      if (entry.field === KEY) key = text
      if (entry.field === VALUE) value = text
    }
    metadata.set(key, value)
  }
  return metadata
}

/** One field of a message. */
interface Field {
  field: number
  /** Null for numbers. */
  bytes: Uint8Array | null
  /** Of a whole number; 0 for others. */
  value: number
}

/**
 * The fields of one message, in their order.
 *
 * @throws RangeError where the bytes are no whole Protocol Buffers message
 */
export function* fields(message: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= message.length) break
      const byte = message[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new RangeError(`the file is cut off or no ONNX model (byte ${at})`)
  }
  while (at < message.length) {
    const tag = varint()
    const [field, type] = [Math.floor(tag / 8), tag % 8]
    let [length, value] = [0, 0]
    if (type === 0) value = varint()
    else if (type === 1) length = 8
    else if (type === 2) length = varint()
    else if (type === 5) length = 4
    else throw new RangeError(`the file is no ONNX model (wire type ${type} at byte ${at})`)
    if (field === 0 || at + length > message.length)
      throw new RangeError(`the file is cut off or no ONNX model (byte ${at})`)
    yield { field, bytes: type === 2 ? message.subarray(at, at + length) : null, value }
    at += length
  }
}
