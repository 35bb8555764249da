/** The weights of a head's linear layer, out of the constants of a .onnx file. */
import { fields } from './onnx-metadata.js'

/** A linear layer from features to logits. */
export interface LinearClassifier {
  /** [labels, channels] */
  weight: Float32Array
  /** [labels] */
  bias: Float32Array
}

/** `ModelProto.graph`, `GraphProto.initializer` and, within a tensor, what follows (onnx.proto). */
const [GRAPH, INITIALIZER] = [7, 5]
const [DIMS, DATA_TYPE, NAME, RAW_DATA] = [1, 2, 8, 9]
const FLOAT = 1

interface Constant {
  name: string
  dims: number[]
  raw: Uint8Array
}

/**
 * The only constant of the head with a row a label, and the bias beside it (0 where there is none). Whether the model is
 * linear in its pooled features, this cannot say.
 *
 * @returns null where the head has no such weight, or several
 */
export function readLinearClassifier(model: Uint8Array, labels: number): LinearClassifier | null {
  const ofHead = [...constants(model)].filter(({ name }) => name.startsWith('head.'))
  const weights = ofHead.filter(({ dims }) => dims.length === 2 && dims[0] === labels)
  const [weight] = weights
  if (weights.length !== 1) return null
  const bias = ofHead.find(({ name }) => name === weight.name.replace(/weight$/, 'bias'))
  return {
    weight: floats(weight.raw),
    bias: bias === undefined ? new Float32Array(labels) : floats(bias.raw),
  }
}

/** Tensors of single precision whose values stand in the file as bytes. */
function* constants(model: Uint8Array): Generator<Constant> {
  for (const { field, bytes: graph } of fields(model)) {
    if (field !== GRAPH || graph === null) continue
    for (const { field: part, bytes: tensor } of fields(graph)) {
      if (part !== INITIALIZER || tensor === null) continue
      const constant = readTensor(tensor)
      if (constant !== null) yield constant
    }
  }
}

function readTensor(tensor: Uint8Array): Constant | null {
  const dims: number[] = []
  let [type, name] = [0, '']
  let raw: Uint8Array | null = null
  for (const { field, bytes, value } of fields(tensor)) {
    if (field === DIMS) dims.push(...(bytes === null ? [value] : packed(bytes)))
    if (field === DATA_TYPE) type = value
    if (field === NAME && bytes !== null) name = new TextDecoder().decode(bytes)
    if (field === RAW_DATA) raw = bytes
  }
  return type === FLOAT && raw !== null ? { name, dims, raw } : null
}

/** Numbers one after the other, as other writers have them. */
function packed(bytes: Uint8Array): number[] {
  const values: number[] = []
  for (let at = 0, shift = 0, value = 0; at < bytes.length; at++) {
    value += (bytes[at] & 127) * 2 ** shift
    shift += 7
    if (bytes[at] > 127) continue
    values.push(value)
    ;[value, shift] = [0, 0]
  }
  return values
}

/** A copy, since the bytes need not begin on a multiple of four; a Buffer's own `slice` would be none. */
function floats(raw: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(raw).buffer)
}
