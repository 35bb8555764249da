import type { DecodedImage } from '../../image.js'
import type { WindowChoice } from '../../preprocessing.js'
import { memorySource, sectionOf, withFile, type ByteSource } from '../byte-source.js'
import { UnsupportedError, type ImageFormat, type ReadOptions } from '../format.js'
import { cachedFile, cachedJson, cacheName } from '../user-cache.js'
import type { ValueRange } from '../window.js'
import { isNpy, numberType, readNpyHeader } from './npy.js'
import { arrayName, extractMember, isNpz, memberHeader, memberSource, npzMembers } from './npz.js'
import { isPicture, pictureOf } from './picture.js'
import { memberStart, type ZipMember } from './zip.js'

/** How the range of a whole array of floats is remembered between images. */
type Remember = (range: () => ValueRange) => ValueRange

/** NumPy's NPY: one array, `#17` for a row. What it shows: `pictureOf`. */
export const npy: ImageFormat = {
  name: 'NPY',
  extensions: ['.npy'],
  matches: isNpy,

  decode: (bytes, { window, part }) => pictureOfNpy(memorySource(bytes), parseRow(part), window, workItOut),

  decodeFile: (path, { window, part }) =>
    withFile(path, (source) => pictureOfNpy(source, parseRow(part), window, remembered(path, 'range'))),
}

/**
 * NumPy's NPZ: arrays in a ZIP file, `#train_images/17` for a row of one, `#image` for an array that is an image.
 * Without a part it is the first array that can be images.
 *
 * Rows are read where they are, whatever the size of the file. A compressed array has no such places: it is
 * inflated once into the user's cache (`user-cache.ts`), and its rows are read from there.
 */
export const npz: ImageFormat = {
  name: 'NPZ',
  extensions: ['.npz'],
  matches: isNpz,

  decode(bytes, { window, part }): DecodedImage {
    const source = memorySource(bytes)
    const { member, row } = chooseMember(source, part)
    return pictureOfNpy(memberSource(source, member), row, window, workItOut)
  },

  decodeFile: (path, { window, part }: ReadOptions) =>
    withFile(path, async (source) => {
      const { member, row } = chooseMember(source, part)
      const remember = remembered(path, `range of ${member.name}`)
      const start = memberStart(source, member)
      if (!member.deflated) return pictureOfNpy(sectionOf(source, start, member.size), row, window, remember)
      const copy = await cachedFile(cacheName(path, member.name), member.size, (to) =>
        extractMember(path, source, member, to),
      )
      return withFile(copy, (array) => pictureOfNpy(array, row, window, remember))
    }),
}

function pictureOfNpy(
  source: ByteSource,
  row: number | null,
  window: WindowChoice,
  remember: Remember,
): DecodedImage {
  return pictureOf(source, readNpyHeader(source), row, window, remember)
}

const workItOut: Remember = (range) => range()

/** Ranges that this thread has met, by the names of the cache; few, as there is one an array. */
const ranges = new Map<string, ValueRange>()

function remembered(path: string, what: string): Remember {
  return (range) => {
    const name = cacheName(path, what)
    const known = ranges.get(name) ?? cachedJson(name, isRange, range)
    ranges.set(name, known)
    return known
  }
}

function isRange(value: unknown): value is ValueRange {
  const { low, high } = value as Partial<ValueRange>
  return typeof low === 'number' && typeof high === 'number'
}

function parseRow(part: string | null): number | null {
  if (part === null) return null
  if (!/^\d{1,12}$/.test(part)) throw new UnsupportedError(`part "${part}" is no row number such as 0 or 17`)
  return Number(part)
}

/** `train_images/17`, `train_images`, or null for the first array that can be images. */
function chooseMember(source: ByteSource, part: string | null): { member: ZipMember; row: number | null } {
  const members = npzMembers(source)
  if (part === null) {
    const pictures = members.flatMap((member) => {
      const { dtype, shape } = memberHeader(source, member)
      return numberType(dtype) !== null && isPicture(shape) ? [{ member, dimensions: shape.length }] : []
    })
    // Labels of several findings have two dimensions as well, and they may come first.
    const first = pictures.find(({ dimensions }) => dimensions > 2) ?? pictures[0]
    if (first === undefined)
      throw new UnsupportedError(`none of its arrays (${namesOf(members)}) has a shape and a type of images`)
    return { member: first.member, row: null }
  }
  const whole = members.find((member) => arrayName(member) === part)
  if (whole !== undefined) return { member: whole, row: null }
  const slash = part.lastIndexOf('/')
  const name = part.slice(0, Math.max(0, slash))
  const member = members.find((candidate) => arrayName(candidate) === name)
  if (member === undefined)
    throw new UnsupportedError(`it has no array "${slash < 0 ? part : name}": there are ${namesOf(members)}`)
  return { member, row: parseRow(part.slice(slash + 1)) }
}

function namesOf(members: readonly ZipMember[]): string {
  const names = members.slice(0, 10).map(arrayName)
  return (
    names.join(', ') + (members.length > names.length ? ` and ${members.length - names.length} more` : '')
  )
}
