/** Affine maps between square pictures, and reading a picture through one. */

/** What is taken for pixels beyond the picture: the nearest one, or 0. */
export type Fill = 'edge' | 'black'

/** Sides of the square that an operation finds and of the one it leaves, pixels. */
export interface Frame {
  size: number
  target: number
}

/**
 * Where a pixel of the result comes from: `x' = a x + b y + tx`, `y' = c x + d y + ty`, with both points in pixels from
 * the centre of their picture.
 */
export interface Transform {
  a: number
  b: number
  c: number
  d: number
  tx: number
  ty: number
}

/** What `first` and then `second` do to a picture, at once. */
export function compose(first: Transform, second: Transform): Transform {
  const { a, b, c, d, tx, ty } = first
  return {
    a: a * second.a + b * second.c,
    b: a * second.b + b * second.d,
    c: c * second.a + d * second.c,
    d: c * second.b + d * second.d,
    tx: a * second.tx + b * second.ty + tx,
    ty: c * second.tx + d * second.ty + ty,
  }
}

/** Moves the picture; the result's pixel (x, y) is the picture's (x + dx, y + dy). */
export function translation(dx: number, dy: number): Transform {
  return { a: 1, b: 0, c: 0, d: 1, tx: dx, ty: dy }
}

export interface AffineChange {
  /** Degrees, clockwise. */
  angle: number
  /** Pixels to the right and down. */
  translate: readonly [number, number]
  scale: number
  /** Degrees along x and y. */
  shear: readonly [number, number]
}

/**
 * Shear along y, then along x, rotation, scaling and translation, inverted: torchvision's `functional.affine`. With
 * angle r and shears s, t: rotation and shear are `[[cos(r - t) / cos t, -cos(r - t) tan s / cos t - sin r],
 * [sin(r - t) / cos t, -sin(r - t) tan s / cos t + cos r]]`, whose determinant is 1.
 */
export function affine({ angle, translate: [dx, dy], scale, shear }: AffineChange): Transform {
  const radians = Math.PI / 180
  const [r, s, t] = [angle * radians, shear[0] * radians, shear[1] * radians]
  const a = Math.cos(r - t) / Math.cos(t)
  const b = -a * Math.tan(s) - Math.sin(r)
  const c = Math.sin(r - t) / Math.cos(t)
  const d = -c * Math.tan(s) + Math.cos(r)
  const back = { a: d / scale, b: -b / scale, c: -c / scale, d: a / scale, tx: 0, ty: 0 }
  return compose(back, translation(-dx, -dy))
}

/**
 * Reads square planes through a transform, by bilinear interpolation; exact copies where pixels fall on pixels.
 *
 * @param planes [count, size, size]
 * @returns [count, target, target]
 */
export function resample(
  planes: Float32Array,
  { size, target }: Frame,
  transform: Transform,
  fill: Fill,
): Float32Array<ArrayBuffer> {
  const count = planes.length / (size * size)
  const result = new Float32Array(count * target * target)
  // From centre to corner: what the top left pixel of the result reads.
  const { a, b, c, d, tx, ty } = transform
  const [half, targetHalf] = [(size - 1) / 2, (target - 1) / 2]
  const x0 = tx + half - (a + b) * targetHalf
  const y0 = ty + half - (c + d) * targetHalf
  const fromCorner = { ...transform, tx: x0, ty: y0 }
  const onPixels = b === 0 && c === 0 && Math.abs(a) === 1 && Math.abs(d) === 1 && isWhole(x0) && isWhole(y0)
  const read = onPixels ? copyPixels : interpolate
  const padded = new Float32Array((size + 2) ** 2)
  for (let plane = 0; plane < count; plane++) {
    pad(planes.subarray(plane * size * size, (plane + 1) * size * size), size, fill, padded)
    const to = result.subarray(plane * target * target, (plane + 1) * target * target)
    read(padded, size, fromCorner, to, target)
  }
  return result
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-9
}

/** With one more pixel all round, so that every neighbour that is asked for is there. */
function pad(plane: Float32Array, size: number, fill: Fill, padded: Float32Array): void {
  const stride = size + 2
  for (let y = 0; y < size; y++) {
    const to = (y + 1) * stride + 1
    padded.set(plane.subarray(y * size, (y + 1) * size), to)
    padded[to - 1] = fill === 'edge' ? padded[to] : 0
    padded[to + size] = fill === 'edge' ? padded[to + size - 1] : 0
  }
  const last = (size + 1) * stride
  if (fill === 'edge') {
    padded.copyWithin(0, stride, 2 * stride)
    padded.copyWithin(last, last - stride, last)
  } else {
    padded.fill(0, 0, stride)
    padded.fill(0, last)
  }
}

function copyPixels(
  padded: Float32Array,
  size: number,
  { a, d, tx, ty }: Transform,
  to: Float32Array,
  target: number,
): void {
  const place = (position: number): number => Math.min(Math.max(Math.round(position), -1), size) + 1
  const columns = Int32Array.from({ length: target }, (_, x) => place(a * x + tx))
  for (let y = 0, at = 0; y < target; y++) {
    const row = place(d * y + ty) * (size + 2)
    for (let x = 0; x < target; x++) to[at++] = padded[row + columns[x]]
  }
}

function interpolate(
  padded: Float32Array,
  size: number,
  { a, b, c, d, tx, ty }: Transform,
  to: Float32Array,
  target: number,
): void {
  const stride = size + 2
  // In padded coordinates. What is further out than the padding reads the padding.
  const end = size + 1 - 1e-6
  for (let y = 0, at = 0; y < target; y++) {
    for (let x = 0; x < target; x++) {
      const exactX = a * x + b * y + tx + 1
      const exactY = c * x + d * y + ty + 1
      const column = exactX < 0 ? 0 : exactX > end ? end : exactX
      const row = exactY < 0 ? 0 : exactY > end ? end : exactY
      const left = column | 0
      const top = row | 0
      const fx = column - left
      const fy = row - top
      const from = top * stride + left
      const upper = padded[from] + fx * (padded[from + 1] - padded[from])
      const lower = padded[from + stride] + fx * (padded[from + stride + 1] - padded[from + stride])
      to[at++] = upper + fy * (lower - upper)
    }
  }
}
