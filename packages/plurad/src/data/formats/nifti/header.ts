import { UnsupportedError } from '../format.js'

/** A 4 x 4 matrix of rows: voxel indices (i, j, k, 1) to millimetres right, anterior and superior of the origin. */
export type Affine = readonly (readonly number[])[]

export interface NiftiHeader {
  littleEndian: boolean
  /** Voxels along i, j and k, i fastest in the file. */
  shape: readonly [number, number, number]
  /** Volumes: the product of the dimensions past the third, such as time points. */
  volumes: number
  /** The standard's code of how a voxel is stored. */
  datatype: number
  /** Where the voxels begin, bytes from the start of the file. */
  voxelOffset: number
  /** `value = slope * stored + intercept`; 1 and 0 where the file has no scaling. */
  slope: number
  intercept: number
  /** The display range that the file asks for, in scaled values; null where it asks for none. */
  display: { low: number; high: number } | null
  /** Null where the file does not say how the voxels lie in the patient, or says something impossible. */
  affine: Affine | null
  /** Distances of neighbouring voxels along i, j and k, millimetres. */
  spacing: readonly [number, number, number]
}

/** Bytes of the header and of the four that say whether extensions follow, by version. */
const HEADER_BYTES = { 1: 352, 2: 544 } as const

/** Enough of a file's beginning for `parseNiftiHeader`. */
export const NIFTI_HEAD_BYTES = HEADER_BYTES[2]

/** Millimetres in a unit of length, by the low three bits of `xyzt_units`. */
const MILLIMETRES: Record<number, number | undefined> = { 1: 1000, 2: 1, 3: 0.001 }

/** Where a version keeps what, and as what. */
interface Layout {
  dim: number
  pixdim: number
  voxelOffset: number
  slope: number
  calMax: number
  codes: number
  quaternion: number
  srow: number
  datatype: number
  units: number
}

const LAYOUTS: Record<1 | 2, Layout> = {
  1: {
    dim: 40,
    pixdim: 76,
    voxelOffset: 108,
    slope: 112,
    calMax: 124,
    codes: 252,
    quaternion: 256,
    srow: 280,
    datatype: 70,
    units: 123,
  },
  2: {
    dim: 16,
    pixdim: 104,
    voxelOffset: 168,
    slope: 176,
    calMax: 192,
    codes: 344,
    quaternion: 352,
    srow: 400,
    datatype: 12,
    units: 500,
  },
}

/** The version of a file that begins like this and its byte order; null where it is no NIfTI. */
export function niftiVersion(
  head: Uint8Array,
): { version: 1 | 2; littleEndian: boolean; pair: boolean } | null {
  if (head.length < 8) return null
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  for (const littleEndian of [true, false]) {
    const size = view.getInt32(0, littleEndian)
    const magicAt = size === 348 ? 344 : size === 540 ? 4 : -1
    if (magicAt < 0 || head.length < magicAt + 4) continue
    const magic = String.fromCharCode(...head.subarray(magicAt, magicAt + 4))
    const version = size === 348 ? 1 : 2
    if (magic === `n+${version}\0`) return { version, littleEndian, pair: false }
    if (magic === `ni${version}\0`) return { version, littleEndian, pair: true }
  }
  return null
}

/**
 * Reads a NIfTI-1 or NIfTI-2 header.
 *
 * @param head the beginning of the file, uncompressed; `NIFTI_HEAD_BYTES` of it are enough
 * @throws Error with the reason, where it is cut off or its numbers are impossible
 */
export function parseNiftiHeader(head: Uint8Array): NiftiHeader {
  const kind = niftiVersion(head)
  if (kind === null || head.length < HEADER_BYTES[kind.version] - 4) {
    throw new Error(`the file ends within its header, after ${head.length} bytes`)
  }
  if (kind.pair) {
    throw new UnsupportedError(
      'the header of a pair of files (.hdr and .img), whose voxels are elsewhere. Join the two into one .nii file, ' +
        'for instance with nibabel: nib.save(nib.load("x.hdr"), "x.nii.gz")',
    )
  }
  const { version, littleEndian } = kind
  const layout = LAYOUTS[version]
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const real = (at: number, index = 0) =>
    version === 1
      ? view.getFloat32(at + 4 * index, littleEndian)
      : view.getFloat64(at + 8 * index, littleEndian)
  const dimension = (index: number) =>
    version === 1
      ? view.getInt16(layout.dim + 2 * index, littleEndian)
      : Number(view.getBigInt64(layout.dim + 8 * index, littleEndian))
  const code = (index: number) =>
    version === 1
      ? view.getInt16(layout.codes + 2 * index, littleEndian)
      : view.getInt32(layout.codes + 4 * index, littleEndian)

  const dims = readDimensions(dimension)
  const unit =
    MILLIMETRES[(version === 1 ? view.getUint8(layout.units) : view.getInt32(layout.units, littleEndian)) & 7]
  const millimetres = unit ?? 1
  const steps = [1, 2, 3].map((axis) => Math.abs(real(layout.pixdim, axis)))
  const affine = readAffine({
    sform:
      code(1) > 0
        ? [0, 1, 2].map((row) => [0, 1, 2, 3].map((col) => real(layout.srow, 4 * row + col)))
        : null,
    qform: code(0) > 0 ? [0, 1, 2, 3, 4, 5].map((index) => real(layout.quaternion, index)) : null,
    steps,
    handedness: real(layout.pixdim) < 0 ? -1 : 1,
    millimetres,
  })
  const slope = real(layout.slope)
  const intercept = real(layout.slope, 1)
  const scaled = Number.isFinite(slope) && slope !== 0
  const [high, low] = [real(layout.calMax), real(layout.calMax, 1)]
  const offset =
    version === 1 ? real(layout.voxelOffset) : Number(view.getBigInt64(layout.voxelOffset, littleEndian))
  if (!(offset >= 0 && Number.isSafeInteger(Math.floor(offset))))
    throw new Error(`its voxels begin at byte ${offset}`)
  return {
    littleEndian,
    shape: [dims[0], dims[1], dims[2]],
    volumes: dims[3] * dims[4] * dims[5] * dims[6],
    datatype: view.getInt16(layout.datatype, littleEndian),
    voxelOffset: Math.max(HEADER_BYTES[version], Math.floor(offset)),
    slope: scaled ? slope : 1,
    intercept: scaled && Number.isFinite(intercept) ? intercept : 0,
    display: low < high && Number.isFinite(high - low) ? { low, high } : null,
    affine,
    spacing: affine === null ? spacingOf(steps, millimetres) : columnLengths(affine),
  }
}

/** The seven dimensions, those that the file does not use as 1. */
function readDimensions(dimension: (index: number) => number): number[] {
  const used = dimension(0)
  if (!(used >= 1 && used <= 7))
    throw new Error(`its header says ${used} dimensions, where 1 to 7 are possible`)
  const dims = [1, 2, 3, 4, 5, 6, 7].map((index) => (index <= used ? dimension(index) : 1))
  if (
    !dims.every((length) => length >= 1) ||
    !Number.isSafeInteger(dims.reduce((all, length) => all * length, 1))
  ) {
    throw new Error(`its header says dimensions of ${dims.slice(0, used).join(' x ')}`)
  }
  return dims
}

/** What a header says of the patient's axes. */
interface Placement {
  /** Rows of the matrix. */
  sform: number[][] | null
  /** b, c and d of a rotation quaternion, then the offset. */
  qform: number[] | null
  steps: readonly number[]
  /** -1 where k runs the other way in the qform. */
  handedness: 1 | -1
  millimetres: number
}

/** The sform where there is one, else the qform: nibabel's order of preference. */
function readAffine({ sform, qform, steps, handedness, millimetres }: Placement): Affine | null {
  const rows = sform ?? (qform === null ? null : fromQuaternion(qform, steps, handedness))
  if (rows === null) return null
  const scaled = rows.map((row) => row.map((value) => value * millimetres))
  return isInvertible(scaled) ? [...scaled, [0, 0, 0, 1]] : null
}

function fromQuaternion(
  quaternion: readonly number[],
  steps: readonly number[],
  handedness: number,
): number[][] {
  let [b, c, d] = quaternion
  const rest = 1 - (b * b + c * c + d * d)
  // A rotation of half a turn, rounded: the three parts alone are the whole.
  const short = rest < 1e-7
  const a = short ? 0 : Math.sqrt(rest)
  if (short) {
    const length = Math.hypot(b, c, d)
    b /= length
    c /= length
    d /= length
  }
  const rotation = [
    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
  ]
  return rotation.map((row, index) => [
    row[0] * steps[0],
    row[1] * steps[1],
    row[2] * steps[2] * handedness,
    quaternion[3 + index],
  ])
}

/** Whether three rows of an affine are finite and span space. */
function isInvertible(rows: readonly (readonly number[])[]): boolean {
  const [[a, b, c], [d, e, f], [g, h, i]] = rows
  const volume = Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
  const sides = columnLengths(rows).reduce((product, length) => product * length, 1)
  return rows.flat().every(Number.isFinite) && volume > 1e-6 * sides
}

function columnLengths(rows: Affine): [number, number, number] {
  const length = (column: number) => Math.hypot(rows[0][column], rows[1][column], rows[2][column])
  return [length(0), length(1), length(2)]
}

/** 1 for a step that is missing or impossible. */
function spacingOf(steps: readonly number[], millimetres: number): [number, number, number] {
  const [i, j, k] = steps.map((step) => (step > 0 && step < Infinity ? step * millimetres : 1))
  return [i, j, k]
}
