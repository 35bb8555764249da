/** Eigenvalues and eigenvectors of a symmetric matrix. */

export interface Eigen {
  /** From the largest magnitude to the smallest. */
  values: number[]
  /** One row an eigenvector, of length 1; its largest entry is positive, so that the signs are the same everywhere. */
  vectors: number[][]
}

const MAX_SWEEPS = 60

/** Cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5): slow, sure, and the same on every machine. */
export function symmetricEigen(matrix: readonly (readonly number[])[]): Eigen {
  const n = matrix.length
  const a = matrix.map((row) => Float64Array.from(row))
  const v = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)))
  const size = Math.sqrt(a.reduce((sum, row) => sum + row.reduce((s, value) => s + value * value, 0), 0))
  for (let sweep = 0; sweep < MAX_SWEEPS && offDiagonal(a) > 1e-14 * size; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q)
  }
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => Math.abs(a[j][j]) - Math.abs(a[i][i]) || i - j,
  )
  return { values: order.map((i) => a[i][i]), vectors: order.map((i) => signed(v.map((row) => row[i]))) }
}

/** Makes a[p][q] nought; v holds the rotations so far, one eigenvector a column. */
function rotate(a: readonly Float64Array[], v: readonly Float64Array[], p: number, q: number): void {
  if (a[p][q] === 0) return
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const c = 1 / Math.sqrt(t * t + 1)
  const s = t * c
  for (const row of a) {
    const [x, y] = [row[p], row[q]]
    row[p] = c * x - s * y
    row[q] = s * x + c * y
  }
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[p][k], a[q][k]]
    a[p][k] = c * x - s * y
    a[q][k] = s * x + c * y
  }
  for (const row of v) {
    const [x, y] = [row[p], row[q]]
    row[p] = c * x - s * y
    row[q] = s * x + c * y
  }
}

function offDiagonal(a: readonly Float64Array[]): number {
  let sum = 0
  a.forEach((row, i) => row.forEach((value, j) => (sum += i === j ? 0 : value * value)))
  return Math.sqrt(sum)
}

function signed(vector: readonly number[]): number[] {
  let largest = 0
  // Entries that are equal but for rounding count as equal: the first one decides.
  for (const value of vector) if (Math.abs(value) > Math.abs(largest) * (1 + 1e-9)) largest = value
  return largest < 0 ? vector.map((value) => -value) : [...vector]
}
