/** Metadata for a .onnx file that is encoded already: a message of Protocol Buffers may be continued behind its end. */
import { WireWriter } from './wire.js'

/** `ModelProto.metadata_props` and, within an entry, key and value (onnx.proto). */
const [METADATA_PROPS, KEY, VALUE] = [14, 1, 2]

export function withMetadata(model: Uint8Array, key: string, value: string): Uint8Array<ArrayBuffer> {
  const entry = new WireWriter().string(KEY, key).string(VALUE, value)
  const added = new WireWriter().message(METADATA_PROPS, entry).finish()
  const whole = new Uint8Array(model.length + added.length)
  whole.set(model)
  whole.set(added, model.length)
  return whole
}
