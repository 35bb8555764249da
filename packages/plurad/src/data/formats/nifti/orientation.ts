import type { Affine, NiftiHeader } from './header.js'

/** How a volume is stored, seen from the patient: for each of right, anterior and superior. */
export interface Orientation {
  /** Which of the file's axes i, j, k runs along right-left, posterior-anterior and inferior-superior. */
  axes: readonly [number, number, number]
  /** Whether it runs towards left, posterior or inferior instead. */
  flipped: readonly [boolean, boolean, boolean]
}

/**
 * The file's axes matched with the patient's nearest ones: nibabel's `io_orientation`, that is the rotation nearest to
 * the affine (its polar decomposition), from which each axis in turn takes its largest part.
 *
 * Without an affine, i runs to the left, j to the front and k to the head, as nibabel takes it for such files.
 */
export function orientationOf({ affine }: Pick<NiftiHeader, 'affine'>): Orientation {
  if (affine === null) return { axes: [0, 1, 2], flipped: [true, false, false] }
  const rotation = nearestRotation(affine)
  const largest = (column: number) => Math.max(...rotation.map((row) => row[column] ** 2))
  const axes: [number, number, number] = [0, 1, 2]
  const flipped: [boolean, boolean, boolean] = [false, false, false]
  const free = new Set([0, 1, 2])
  for (const column of [0, 1, 2].sort((a, b) => largest(b) - largest(a))) {
    const row = [...free].reduce((best, candidate) =>
      Math.abs(rotation[candidate][column]) > Math.abs(rotation[best][column]) ? candidate : best,
    )
    free.delete(row)
    axes[row] = column
    flipped[row] = rotation[row][column] < 0
  }
  return { axes, flipped }
}

/** The affine of the volume once it is stored right, anterior, superior: canonical (x, y, z) to millimetres. */
export function canonicalAffine(
  { affine, shape, spacing }: NiftiHeader,
  { axes, flipped }: Orientation,
): number[][] {
  const source = affine ?? [
    [-spacing[0], 0, 0, ((shape[0] - 1) / 2) * spacing[0]],
    [0, spacing[1], 0, ((1 - shape[1]) / 2) * spacing[1]],
    [0, 0, spacing[2], ((1 - shape[2]) / 2) * spacing[2]],
  ]
  const rows = [0, 1, 2].map((row) => {
    const columns = axes.map((axis, target) => (flipped[target] ? -1 : 1) * source[row][axis])
    const origin = axes.reduce(
      (sum, axis, target) => sum + (flipped[target] ? source[row][axis] * (shape[axis] - 1) : 0),
      source[row][3],
    )
    return [...columns, origin]
  })
  return [...rows, [0, 0, 0, 1]]
}

/**
 * The orthogonal factor of the polar decomposition of the affine's directions, by Newton's iteration
 * `X <- (X + X^-T) / 2`, which converges for every invertible matrix.
 */
function nearestRotation(affine: Affine): number[][] {
  const lengths = [0, 1, 2].map((column) => Math.hypot(...[0, 1, 2].map((row) => affine[row][column])))
  let matrix = [0, 1, 2].map((row) => lengths.map((length, column) => affine[row][column] / length))
  for (let round = 0; round < 60; round++) {
    const inverse = inverseTransposed(matrix)
    const next = matrix.map((row, r) => row.map((value, c) => (value + inverse[r][c]) / 2))
    const change = Math.max(
      ...next.flatMap((row, r) => row.map((value, c) => Math.abs(value - matrix[r][c]))),
    )
    matrix = next
    if (change < 1e-12) break
  }
  return matrix
}

function inverseTransposed(m: readonly (readonly number[])[]): number[][] {
  const cofactor = (row: number, column: number) => {
    const [r1, r2] = [(row + 1) % 3, (row + 2) % 3]
    const [c1, c2] = [(column + 1) % 3, (column + 2) % 3]
    return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
  }
  const cofactors = [0, 1, 2].map((row) => [0, 1, 2].map((column) => cofactor(row, column)))
  const determinant = [0, 1, 2].reduce((sum, column) => sum + m[0][column] * cofactors[0][column], 0)
  return cofactors.map((row) => row.map((value) => value / determinant))
}
