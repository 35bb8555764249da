import { MAX_PIXELS, type DecodedImage } from '../../image.js'
import { memorySource, withFile, type ByteSource } from '../byte-source.js'
import { UnsupportedError, type ImageFormat, type ReadOptions } from '../format.js'
import type { Values } from '../stored-values.js'
import { cacheName } from '../user-cache.js'
import { chosenRange, finiteRange, windowToGrid, type ValueRange } from '../window.js'
import { inflateNifti, isGzip, isNifti, openNifti, volumeOf, type NiftiFile, type Volume } from './volume.js'

/** Which of the patient's axes (0 right, 1 anterior, 2 superior) run along a picture's columns, rows and slices. */
const PLANES = {
  axial: { columns: 0, rows: 1, slices: 2 },
  coronal: { columns: 0, rows: 2, slices: 1 },
  sagittal: { columns: 1, rows: 2, slices: 0 },
} as const

type Plane = keyof typeof PLANES

/** Pixels that are longer than wide, or the other way, by more than this are worth a warning. */
const UNEVEN = 1.2

/** Values that are looked at together where all of a volume are. */
const CHUNK_VALUES = 2 ** 20

/**
 * NIfTI-1 and NIfTI-2 in one file, gzipped or not: one slice of one volume.
 *
 * However the file stores it, the slice is shown as radiologists look at it: axial from the feet, so the patient's
 * right is on the left and the front is up; coronal from the front, right on the left and head up; sagittal from the
 * left, front on the left and head up. Axes that are oblique to the patient's count as the nearest one.
 *
 * A part is `12`, a slice from 0 at the feet (coronal: at the back; sagittal: at the left); `3/12`, the same of
 * volume 3 of a 4-D file; and either after a plane, `coronal/12`. Without a part it is the middle slice of the first
 * volume, axial, or the one slice of a volume that has only one.
 *
 * `full` is the least to the greatest finite value of that volume; `file` its display range (`cal_min`, `cal_max`)
 * where it has one. Colours are shown as they are.
 */
export const nifti: ImageFormat = {
  name: 'NIfTI',
  extensions: ['.nii', '.nii.gz'],
  matches: isNifti,

  decode: (bytes, options) => pictureOf(openNifti(memorySource(inflateNifti(bytes))), options, workItOut),

  decodeFile: (path, options) =>
    withFile(path, (source) => {
      const key = cacheName(path, '')
      const file = isGzip(source.read(0, Math.min(3, source.size)))
        ? inflated(key, source)
        : openNifti(source)
      return pictureOf(file, options, remembered(key))
    }),
}

/** The last compressed volume of this thread: slices of one are read after each other, and inflating takes longest. */
let last: { key: string; content: Uint8Array } | null = null

/** Larger volumes are not kept, bytes: every thread that reads images has one. */
const KEPT_BYTES = 2 ** 28

function inflated(key: string, source: ByteSource): NiftiFile {
  if (last?.key !== key) {
    // Before, not after: two volumes at once would be in memory.
    last = null
    const content = inflateNifti(source.read(0, source.size))
    if (content.length > KEPT_BYTES) return openNifti(memorySource(content))
    last = { key, content }
  }
  return openNifti(memorySource(last.content))
}

/** How the range of a whole volume is remembered between slices. */
type Remember = (volume: number, range: () => ValueRange) => ValueRange

const workItOut: Remember = (_, range) => range()

/** Ranges that this thread has met, by file and volume. */
const ranges = new Map<string, ValueRange>()

function remembered(key: string): Remember {
  return (volume, range) => {
    const known = ranges.get(`${key} ${volume}`) ?? range()
    ranges.set(`${key} ${volume}`, known)
    return known
  }
}

function pictureOf(file: NiftiFile, { window, part }: ReadOptions, remember: Remember): DecodedImage {
  const { plane, index, slice } = choose(file, part)
  const volume = volumeOf(file, index)
  const { columns, rows, slices } = PLANES[plane]
  const [width, height] = [volume.shape[columns], volume.shape[rows]]
  if (width * height > MAX_PIXELS)
    throw new UnsupportedError(`its slices are ${width} x ${height} pixels, more than ${MAX_PIXELS}`)
  // Both run against the axis: the first pixel is the one furthest right and in front, or furthest up.
  const [right, down] = [-volume.strides[columns], -volume.strides[rows]]
  const start = volume.base + slice * volume.strides[slices] - (width - 1) * right - (height - 1) * down
  const ends = [start, start + (width - 1) * right].flatMap((at) => [at, at + (height - 1) * down])
  const [first, end] = [Math.min(...ends), Math.max(...ends) + file.components]
  const values = volume.values(first, end)
  const picture = { values, width, height, from: start - first, right, down }
  const warning = warningOf(file, plane)
  if (file.components !== 1) {
    return { width, height, channels: 3, maxValue: 255, data: colours(picture), warning }
  }
  const { display } = file.header
  const full = () => remember(index, () => fullRange(file, volume))
  const range = chosenRange(window, display === null ? [] : [display], full)
  return { width, height, channels: 1, maxValue: 65535, data: greys(file, picture, range), warning }
}

/** Where the pixels of a picture are among values. */
interface Picture {
  values: Values
  width: number
  height: number
  from: number
  right: number
  down: number
}

function greys({ header }: NiftiFile, picture: Picture, range: ValueRange): Uint16Array {
  const { values, width, height, from, right, down } = picture
  const grid = new Uint16Array(width * height)
  const line = new Float64Array(width)
  for (let row = 0; row < height; row++) {
    let at = from + row * down
    for (let column = 0; column < width; column++, at += right)
      line[column] = values[at] * header.slope + header.intercept
    windowToGrid(line, range, grid, row * width)
  }
  return grid
}

function colours({ values, width, height, from, right, down }: Picture): Uint8Array {
  const data = new Uint8Array(width * height * 3)
  let to = 0
  for (let row = 0; row < height; row++) {
    let at = from + row * down
    for (let column = 0; column < width; column++, at += right) {
      for (let channel = 0; channel < 3; channel++) data[to++] = values[at + channel]
    }
  }
  return data
}

/** Scaled; the stored values are looked at in pieces, as volumes can be larger than memory should be taken for. */
function fullRange({ header }: NiftiFile, volume: Volume): ValueRange {
  const count = volume.shape.reduce((product, length) => product * length, 1)
  let [low, high] = [Infinity, -Infinity]
  for (let at = 0; at < count; at += CHUNK_VALUES) {
    const found = finiteRange(volume.values(at, Math.min(count, at + CHUNK_VALUES)))
    if (found === null) continue
    low = Math.min(low, found.low)
    high = Math.max(high, found.high)
  }
  if (low > high) return { low: 0, high: 0 }
  const ends = [low, high].map((value) => value * header.slope + header.intercept)
  return { low: Math.min(...ends), high: Math.max(...ends) }
}

function choose(file: NiftiFile, part: string | null): { plane: Plane; index: number; slice: number } {
  const { shape } = volumeOf(file, 0)
  const words = part === null ? [] : part.split('/')
  const named = Object.keys(PLANES).find((plane) => plane === words[0]) as Plane | undefined
  const plane = named ?? onlySlice(shape) ?? 'axial'
  const numbers = named === undefined ? words : words.slice(1)
  if (numbers.length > 2 || !numbers.every((word) => /^\d{1,9}$/.test(word))) {
    throw new UnsupportedError(
      `part "${part}" is none of a slice such as 12, a volume and a slice such as 0/12, and either after ` +
        `${Object.keys(PLANES).join(', ')} such as coronal/12`,
    )
  }
  const count = shape[PLANES[plane].slices]
  const slice = numbers.length > 0 ? Number(numbers.at(-1)) : Math.floor(count / 2)
  if (slice >= count)
    throw new UnsupportedError(`${plane} slice ${slice} was asked for, but it has ${count}, from 0`)
  return { plane, index: numbers.length === 2 ? Number(numbers[0]) : 0, slice }
}

/** The plane of a volume that is a single slice, such as a radiograph kept as NIfTI. */
function onlySlice(shape: readonly number[]): Plane | null {
  if (shape.filter((length) => length === 1).length !== 1) return null
  return (Object.keys(PLANES) as Plane[]).find((plane) => shape[PLANES[plane].slices] === 1) ?? null
}

function warningOf({ header, orientation }: NiftiFile, plane: Plane): string | undefined {
  if (header.affine === null) {
    return 'the file does not say how its voxels lie in the patient (no usable sform or qform): left and right may be swapped'
  }
  const along = (axis: 0 | 1 | 2) => header.spacing[orientation.axes[axis]]
  const [across, down] = [along(PLANES[plane].columns), along(PLANES[plane].rows)]
  if (Math.max(across / down, down / across) <= UNEVEN) return undefined
  return (
    `its ${plane} pixels are ${across.toFixed(2)} mm wide and ${down.toFixed(2)} mm high: ` +
    'the picture is not in proportion'
  )
}
