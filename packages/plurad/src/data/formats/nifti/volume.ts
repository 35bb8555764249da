import { constants, gunzipSync } from 'node:zlib'
import { memorySource, type ByteSource } from '../byte-source.js'
import { startsWith, UnsupportedError } from '../format.js'
import { storedBytes, storedValues, type StoredType, type Values } from '../stored-values.js'
import { NIFTI_HEAD_BYTES, niftiVersion, parseNiftiHeader, type NiftiHeader } from './header.js'
import { canonicalAffine, orientationOf, type Orientation } from './orientation.js'

/** By the standard's codes. Those that it knows and we cannot show: binary, complex and 128-bit floats. */
const DATATYPES: Record<number, { type: StoredType; components: 1 | 3 | 4 } | undefined> = {
  2: { type: 'u1', components: 1 },
  4: { type: 'i2', components: 1 },
  8: { type: 'i4', components: 1 },
  16: { type: 'f4', components: 1 },
  64: { type: 'f8', components: 1 },
  128: { type: 'u1', components: 3 },
  256: { type: 'i1', components: 1 },
  512: { type: 'u2', components: 1 },
  768: { type: 'u4', components: 1 },
  1024: { type: 'i8', components: 1 },
  1280: { type: 'u8', components: 1 },
  2304: { type: 'u1', components: 4 },
}

/** The most that a byte of deflated data can become. */
const DEFLATE_RATIO = 1032

/** What may follow the voxels before a file is refused as not what its header says, bytes. */
const TRAILING_BYTES = 2 ** 24

export interface NiftiFile {
  header: NiftiHeader
  orientation: Orientation
  /** Values a voxel: 3 and 4 are colours. */
  components: 1 | 3 | 4
  /**
   * Values `from` to `to`, as stored and not scaled: volume after volume, i fastest, the components of a voxel
   * together.
   */
  values: (from: number, to: number) => Values
}

/** Whether a file that begins like this, compressed or not, is NIfTI. */
export function isNifti(head: Uint8Array): boolean {
  if (!isGzip(head)) return niftiVersion(head) !== null
  const inner = inflateHead(head)
  if (inner.length >= 348 || inner.length < 48) return niftiVersion(inner) !== null
  // So little that NIfTI-1's mark is not in it: its size and its number of dimensions say it too.
  const view = new DataView(inner.buffer, inner.byteOffset, inner.byteLength)
  return [true, false].some((littleEndian) => {
    const dimensions = view.getInt16(40, littleEndian)
    return view.getInt32(0, littleEndian) === 348 && dimensions >= 1 && dimensions <= 7
  })
}

/**
 * Opens a NIfTI-1 or NIfTI-2 file that is not compressed.
 *
 * @throws Error with the reason, where it is damaged, cut off or of a type that is no picture
 */
export function openNifti(source: ByteSource): NiftiFile {
  const header = parseNiftiHeader(source.read(0, Math.min(NIFTI_HEAD_BYTES, source.size)))
  const { type, components } = datatypeOf(header)
  const end = endOf(header)
  if (end > source.size) throw new Error(`${claimOf(header)}, and it has ${source.size}`)
  const size = storedBytes(type)
  return {
    header,
    orientation: orientationOf(header),
    components,
    values: (from, to) =>
      storedValues(
        source.read(header.voxelOffset + from * size, (to - from) * size),
        type,
        header.littleEndian,
      ),
  }
}

/**
 * The content of a NIfTI file that may be gzipped.
 *
 * @throws Error with the reason, where it is damaged or cut off
 */
export function inflateNifti(bytes: Uint8Array): Uint8Array {
  if (!isGzip(bytes)) return bytes
  const header = parseNiftiHeader(inflateHead(bytes.subarray(0, 4096)))
  const end = endOf(header)
  if (end > bytes.length * DEFLATE_RATIO)
    throw new Error(`${claimOf(header)}, which ${bytes.length} compressed bytes cannot hold`)
  // One block of memory of the right size, where collecting chunks would take it twice.
  return gunzipSync(bytes, { chunkSize: Math.max(64, end + 1), maxOutputLength: end + TRAILING_BYTES })
}

/** A volume as models take it. */
export interface CanonicalVolume {
  /** Scaled values, [z, y, x]: x to the patient's right, y to the front, z to the head. */
  data: Float32Array
  /** Voxels along z, y and x. */
  shape: readonly [number, number, number]
  /** Millimetres between them along z, y and x. */
  spacing: readonly [number, number, number]
  /** Rows of a 4 x 4 matrix, voxel (x, y, z, 1) to millimetres right, anterior and superior of the origin. */
  affine: readonly (readonly number[])[]
}

/**
 * Reads a volume in the one orientation that nibabel's `as_closest_canonical` gives: right, anterior, superior.
 *
 * @param volume which one of a 4-D file, such as a time point
 * @throws Error with the reason, where the file is damaged, cut off, or coloured
 */
export function readVolume(bytes: Uint8Array, volume = 0): CanonicalVolume {
  const file = openNifti(memorySource(inflateNifti(bytes)))
  if (file.components !== 1)
    throw new UnsupportedError('its voxels are colours, where measured values are expected')
  const { header, orientation } = file
  const { shape, strides, base, values } = volumeOf(file, volume)
  const voxels = values(0, shape[0] * shape[1] * shape[2])
  const data = new Float32Array(shape[0] * shape[1] * shape[2])
  let to = 0
  for (let z = 0; z < shape[2]; z++) {
    for (let y = 0; y < shape[1]; y++) {
      let from = base + z * strides[2] + y * strides[1]
      for (let x = 0; x < shape[0]; x++, from += strides[0])
        data[to++] = voxels[from] * header.slope + header.intercept
    }
  }
  const spacing = orientation.axes.map((axis) => header.spacing[axis])
  return {
    data,
    shape: [shape[2], shape[1], shape[0]],
    spacing: [spacing[2], spacing[1], spacing[0]],
    affine: canonicalAffine(header, orientation),
  }
}

/** One volume, seen from the patient. */
export interface Volume {
  /** Voxels to the right, to the front and to the head. */
  shape: readonly number[]
  /** The first value of voxel (x, y, z) is at `base + x * strides[0] + y * strides[1] + z * strides[2]`. */
  strides: readonly number[]
  base: number
  /** Its values `from` to `to`, as stored. */
  values: (from: number, to: number) => Values
}

export function volumeOf(file: NiftiFile, index: number): Volume {
  const { header, orientation, components } = file
  if (!(index >= 0 && index < header.volumes))
    throw new UnsupportedError(`volume ${index} was asked for, but it has ${header.volumes}, counted from 0`)
  const [i, j, k] = header.shape
  const steps = [components, components * i, components * i * j]
  const first = index * components * i * j * k
  const { axes, flipped } = orientation
  return {
    shape: axes.map((axis) => header.shape[axis]),
    strides: axes.map((axis, target) => (flipped[target] ? -steps[axis] : steps[axis])),
    base: axes.reduce(
      (sum, axis, target) => sum + (flipped[target] ? steps[axis] * (header.shape[axis] - 1) : 0),
      0,
    ),
    values: (from, to) => file.values(first + from, first + to),
  }
}

function datatypeOf({ datatype }: NiftiHeader): { type: StoredType; components: 1 | 3 | 4 } {
  const known = DATATYPES[datatype]
  if (known === undefined) {
    throw new UnsupportedError(
      `its voxels are of NIfTI datatype ${datatype}. Read are integers and floats of 8 to 64 bits and RGB; ` +
        'convert it, for instance with nibabel: image.get_fdata()',
    )
  }
  return known
}

/** Where the voxels end, bytes from the start. */
function endOf(header: NiftiHeader): number {
  const { type, components } = datatypeOf(header)
  const [i, j, k] = header.shape
  return header.voxelOffset + i * j * k * header.volumes * components * storedBytes(type)
}

function claimOf(header: NiftiHeader): string {
  const { shape, volumes, voxelOffset } = header
  return `its header says ${[...shape, volumes].join(' x ')} voxels in bytes ${voxelOffset} to ${endOf(header)}`
}

export function isGzip(head: Uint8Array): boolean {
  return startsWith(head, [0x1f, 0x8b, 8])
}

/** What the beginning of a gzip file holds; nothing where it is damaged. */
function inflateHead(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return new Uint8Array(0)
  }
}
