/**
 * A pack: the preprocessed pixels of many images in one file, so that training need not decode them again. A folder of
 * - `pack.json`: how the pixels were made; this module.
 * - `pixels.u16`: records of equal length, each the grid [channels, size, size] of one image as `preprocessToGrid`
 *   gives it, 16-bit little-endian.
 * - `index.bin`: which file lies in which record, with what it was checked against; `journal.ts`.
 *
 * An image is in the pack once the index says so, and the index is only appended to after the pixels are on the disk:
 * whatever a kill or a full disk leaves half written is never read.
 */
import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { version } from '../../version.js'
import { preprocessingOf, preprocessingShape, type Preprocessing } from '../preprocessing.js'

const FORMAT = 1

/** All that decides about an image's pixels. How many images a sample has does not: each has a record of its own. */
const pixelShape = z.strictObject(preprocessingShape).omit({ images: true })

type PixelSettings = z.infer<typeof pixelShape>

const headerSchema = z.object({
  format: z.literal(FORMAT),
  /** Of the toolkit that decoded the images: another one may decode them differently. */
  plurad: z.string(),
  preprocessing: pixelShape,
  /** Where the data set lay; files below it are known by their path from there. */
  root: z.string(),
  /** What it was made from, for people. */
  dataset: z.object({ name: z.string(), fingerprint: z.string() }),
})

export type PackHeader = z.infer<typeof headerSchema>

export const headerFile = (folder: string): string => join(folder, 'pack.json')
export const pixelsFile = (folder: string): string => join(folder, 'pixels.u16')
export const indexFile = (folder: string): string => join(folder, 'index.bin')

export function makeHeader(
  preprocessing: Preprocessing,
  root: string,
  dataset: PackHeader['dataset'],
): PackHeader {
  return { format: FORMAT, plurad: version, preprocessing: pixelSettings(preprocessing), root, dataset }
}

function pixelSettings(preprocessing: Preprocessing): PixelSettings {
  const { images, ...settings } = preprocessingOf(preprocessing)
  return settings
}

/** Values of one record: channels * size * size. */
export function valuesOf({ size, channels }: PixelSettings): number {
  return channels * size * size
}

/** @throws DataError where there is no pack, or one of another format */
export function readHeader(folder: string): PackHeader {
  if (endianness() !== 'LE') throw new DataError(`${folder}: packs need a little-endian processor.`)
  let text: string
  try {
    text = readFileSync(headerFile(folder), 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new DataError(
      missing
        ? `${folder} holds no pack (there is no pack.json). Make one with plurad data pack.`
        : `${headerFile(folder)} cannot be read: ${(error as Error).message}.`,
      { cause: error },
    )
  }
  const parsed = headerSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new DataError(
    `${headerFile(folder)}: ${issue?.path.join('.') || 'not JSON'}: ${issue?.message}. Delete ${folder} and make the ` +
      'pack again with plurad data pack.',
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * Refuses a pack whose pixels are not those that decoding now would give.
 *
 * @throws DataError naming what differs
 */
export function assertFits(folder: string, header: PackHeader, preprocessing: Preprocessing): void {
  const wanted = pixelSettings(preprocessing)
  const differing = (Object.keys(wanted) as (keyof PixelSettings)[]).filter(
    (key) => JSON.stringify(header.preprocessing[key]) !== JSON.stringify(wanted[key]),
  )
  if (differing.length > 0) {
    const list = differing.map(
      (key) =>
        `${key} is ${JSON.stringify(header.preprocessing[key])}, expected ${JSON.stringify(wanted[key])}`,
    )
    throw new DataError(
      `${folder} was packed with other preprocessing: ${list.join('; ')}. Pack for this recipe into another folder, ` +
        'or use the settings of the pack.',
    )
  }
  if (header.plurad !== version) {
    throw new DataError(
      `${folder} was packed by plurad ${header.plurad}; this is ${version}, which may decode differently. ` +
        'Run plurad data pack again with the same --out.',
    )
  }
}

/** How the index knows a file: by its path from the data set's folder, so that both can be moved together. */
export function keyOf(root: string, path: string): string {
  const above = root.endsWith(sep) ? root : root + sep
  if (!path.startsWith(above)) return path
  const below = path.slice(above.length)
  return sep === '/' ? below : below.replaceAll(sep, '/')
}
