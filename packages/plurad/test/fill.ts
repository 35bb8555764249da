/** Weights and pixels from the integer hash that test/fixtures/models/*.py use too: nothing large has to be stored. */
import { crc32 } from 'node:zlib'
import { noGrad, type nn, type Tensor } from '@plurad/torch'

/** `count` numbers in [0, 1), from a hash of stream and position. */
export function uniform(stream: number, count: number): Float64Array {
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(i, 2654435761 | 0) + stream) >>> 0
    h = Math.imul(h ^ (h >>> 15), 2246822519 | 0) >>> 0
    h = Math.imul(h ^ (h >>> 13), 3266489917 | 0) >>> 0
    values[i] = ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
  }
  return values
}

/** The value that the Python scripts give a tensor of this key and shape. */
export function valueOf(key: string, shape: readonly number[]): Float64Array {
  const u = uniform(
    crc32(key),
    shape.reduce((a, b) => a * b, 1),
  )
  if (shape.length > 1) {
    const bound = Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b, 1))
    return u.map((v) => (2 * v - 1) * bound)
  }
  if (key.endsWith('running_var') || key.endsWith('weight')) return u.map((v) => 0.5 + v)
  return u.map((v) => (2 * v - 1) * 0.1)
}

/** Floating-point parameters and buffers of a module by the key that `keyOf` gives them, filled by `valueOf`. */
export function fillByKey(module: nn.AnyModule, keyOf: (key: string) => string): Map<string, Tensor> {
  const filled = new Map<string, Tensor>()
  noGrad(() => {
    for (const [own, value] of module.stateDict()) {
      if (!value.dtype.includes('float')) continue
      const key = keyOf(own)
      filled.set(key, value.copyFrom(valueOf(key, value.shape)))
    }
  })
  return filled
}
