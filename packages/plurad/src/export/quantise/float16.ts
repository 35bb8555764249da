/** Weights in half precision. */
import { dataTypeOf, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx/model.js'
import { floatsOf } from '../onnx/call.js'
import { bytesOf } from '../onnx/builder.js'

/** Smaller constants, such as biases, scales and norms, take no room worth any rounding. */
const LEAST_VALUES = 2048

/** The largest number that half precision has. */
const LARGEST = 65504

/**
 * Stores large constants as IEEE 754 binary16 and gives them back in single precision where they are used: half the file,
 * and the same speed, as runtimes convert them when they load the model. Processors have few kernels that compute in half
 * precision.
 *
 * @param kept constants that stay as they are
 */
export function withHalfWeights(model: OnnxModel, kept: ReadonlySet<string>): OnnxModel {
  const casts: OnnxNode[] = []
  const initializers = model.initializers.map((tensor): OnnxTensor => {
    const { name, dtype, data } = tensor
    if (dtype !== 'float32' || data.length < 4 * LEAST_VALUES || kept.has(name)) return tensor
    const values = floatsOf(data)
    if (values.some((value) => !(Math.abs(value) <= LARGEST))) return tensor
    const half = `${name}.half`
    casts.push({ op: 'Cast', inputs: [half], outputs: [name], attributes: { to: dataTypeOf('float32') } })
    return { ...tensor, name: half, dtype: 'float16', data: bytesOf(Uint16Array.from(values, halfOf)) }
  })
  return { ...model, nodes: [...casts, ...model.nodes], initializers }
}

const scratch = new DataView(new ArrayBuffer(4))

/** The bits of the nearest number in half precision, halves to even; infinity from 65520 on. */
export function halfOf(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127
  const fraction = bits & 0x7fffff
  if (exponent === 128) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200)
  if (exponent > 15) return sign | 0x7c00
  // Below 2^-14 numbers have a fixed step of 2^-24, and no leading one of their own.
  const shift = exponent >= -14 ? 13 : 13 + (-14 - exponent)
  if (shift > 24) return sign
  const whole = exponent >= -14 ? ((exponent + 15) << 23) | fraction : fraction | 0x800000
  const kept = Math.floor(whole / 2 ** shift)
  const rest = whole - kept * 2 ** shift
  const middle = 2 ** (shift - 1)
  const up = rest > middle || (rest === middle && kept % 2 === 1)
  return sign | (kept + (up ? 1 : 0))
}
