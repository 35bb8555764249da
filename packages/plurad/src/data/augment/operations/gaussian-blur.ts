import { intensity, interval } from '../operation.js'

/**
 * Convolves with a Gaussian sampled at whole pixels out to three deviations, reflecting at the border; torchvision's
 * `gaussian_blur` with `kernel_size = 2 ceil(3 sigma) + 1`.
 */
export const gaussianBlur = intensity({
  name: 'gaussian_blur',
  summary: 'blur',
  settings: {
    /** Standard deviation, pixels. */
    sigma: interval({ min: 0.01, max: 20 }, [0.1, 1]),
  },
  p: 0.5,
  apply({ sigma }, { pixels, size }, random) {
    const weights = kernel(random.range(sigma[0], sigma[1]), size)
    const between = new Float32Array(size * size)
    for (let start = 0; start < pixels.length; start += size * size) {
      const plane = pixels.subarray(start, start + size * size)
      blurRows(plane, size, weights, between)
      blurColumns(between, size, weights, plane)
    }
  },
})

/** The weights from the middle outwards; both sides together sum to 1. */
function kernel(sigma: number, size: number): Float64Array {
  // Reflection reaches no further than the picture is wide.
  const radius = Math.min(Math.ceil(3 * sigma), size - 1)
  const weights = Float64Array.from({ length: radius + 1 }, (_, x) => Math.exp(-0.5 * (x / sigma) ** 2))
  const total = weights.reduce((sum, weight, x) => sum + (x === 0 ? weight : 2 * weight), 0)
  return weights.map((weight) => weight / total)
}

const reflect = (position: number, size: number): number =>
  position < 0 ? -position : position >= size ? 2 * size - 2 - position : position

function blurRows(from: Float32Array, size: number, weights: Float64Array, to: Float32Array): void {
  const radius = weights.length - 1
  const line = new Float64Array(size + 2 * radius)
  for (let start = 0; start < from.length; start += size) {
    for (let x = 0; x < line.length; x++) line[x] = from[start + reflect(x - radius, size)]
    for (let x = 0; x < size; x++) {
      let sum = weights[0] * line[x + radius]
      for (let tap = 1; tap <= radius; tap++) {
        sum += weights[tap] * (line[x + radius - tap] + line[x + radius + tap])
      }
      to[start + x] = sum
    }
  }
}

function blurColumns(from: Float32Array, size: number, weights: Float64Array, to: Float32Array): void {
  const line = new Float64Array(size)
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) line[x] = weights[0] * from[y * size + x]
    for (let tap = 1; tap < weights.length; tap++) {
      const above = reflect(y - tap, size) * size
      const below = reflect(y + tap, size) * size
      for (let x = 0; x < size; x++) line[x] += weights[tap] * (from[above + x] + from[below + x])
    }
    to.set(line, y * size)
  }
}
