/** Writes phantoms as an ordinary data set folder. */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import sharp from 'sharp'
import { DataError } from '../../errors.js'
import { samplePhantoms, type PhantomImage } from './patients.js'
import { renderPhantom, type FoundBox } from './render.js'
import { boxTable, entryTable, imageName, readme } from './tables.js'

export interface PhantomOptions {
  /** Number of images, at least 1. */
  count: number
  /** Width and height in pixels, 16 to 4096. */
  size: number
  /** Integer from 0; another seed is another data set. */
  seed: number
  /** Called after every image. */
  onProgress?: (done: number, total: number) => void
}

/** Encoders that run at once: sharp compresses on other threads while this one draws. */
const writersAtOnce = 8

/**
 * Writes `count` synthetic chest radiographs of `size` x `size` pixels with their tables into `folder`:
 * `images/*.png`, `Data_Entry_2017.csv` and `BBox_List_2017.csv` in NIH ChestX-ray14's column layout, and a
 * `README.md`. The same options give the same pixels and tables on every machine.
 *
 * The folder appears when it is complete. One that these options made before is reused as it is.
 *
 * @returns how many images and patients the folder holds
 * @throws DataError when an option is out of range, or `folder` exists and holds something else
 */
export async function generatePhantoms(
  folder: string,
  options: PhantomOptions,
): Promise<{ images: number; patients: number }> {
  checkOptions(options)
  const target = resolve(folder)
  const images = samplePhantoms(options.seed, options.count)
  const result = { images: images.length, patients: new Set(images.map((image) => image.patient)).size }
  const description = readme(images, options)
  if (await isPresent(target, images, description)) return result

  const parent = dirname(target)
  await mkdir(parent, { recursive: true })
  // Not mkdtemp, whose folders only their owner may read.
  const temporary = join(parent, `.${basename(target)}-${randomUUID().slice(0, 8)}`)
  await mkdir(temporary)
  try {
    await mkdir(join(temporary, 'images'))
    const boxes = await drawAll(join(temporary, 'images'), images, options)
    await write(join(temporary, 'Data_Entry_2017.csv'), entryTable(images, options.size))
    await write(join(temporary, 'BBox_List_2017.csv'), boxTable(images, boxes))
    await write(join(temporary, 'README.md'), description)
    // An empty folder makes room; one that something was put into meanwhile stays, and this fails.
    await rmdir(target).catch(ignoreMissing)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EPERM') throw error
    // Another process may have been asked for the same at the same time, and been faster.
    if (!(await isPresent(target, images, description))) throw error
  }
  return result
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

function checkOptions({ count, size, seed }: PhantomOptions): void {
  const check = (name: string, value: number, low: number, high: number): void => {
    if (Number.isInteger(value) && value >= low && value <= high) return
    throw new DataError(`Phantoms: ${name} is ${value}; give a whole number from ${low} to ${high}.`)
  }
  check('count', count, 1, 1_000_000)
  check('size', size, 16, 4096)
  check('seed', seed, 0, Number.MAX_SAFE_INTEGER)
}

/** Whether `folder` holds exactly this data set; false where it does not exist or is empty. */
async function isPresent(
  folder: string,
  images: readonly PhantomImage[],
  description: string,
): Promise<boolean> {
  const entries: string[] = await readdir(folder).catch((error: unknown): string[] => {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return []
    if (code !== 'ENOTDIR') throw error
    throw new DataError(`${folder} is a file; phantoms are written into a folder. Choose another name.`)
  })
  if (entries.length === 0) return false
  const refuse = (found: string): never => {
    throw new DataError(
      `${folder} exists and ${found}. Phantoms are never written over other files: ` +
        'choose another folder, or delete this one if it is not needed.',
    )
  }
  const text = await readFile(join(folder, 'README.md'), 'utf8').catch(() => null)
  if (text === null) refuse(`holds ${entries.length} other entries (such as ${entries[0]})`)
  if (text !== description)
    refuse('holds a data set with other options or from another version of the generator')
  const files = new Set<string>(await readdir(join(folder, 'images')).catch(() => []))
  const missing = images.filter((image) => !files.has(imageName(image))).length
  if (missing > 0) refuse(`lacks ${missing} of its ${images.length} images`)
  for (const table of ['Data_Entry_2017.csv', 'BBox_List_2017.csv']) {
    if (!entries.includes(table)) refuse(`lacks its ${table}`)
  }
  return true
}

async function drawAll(
  folder: string,
  images: readonly PhantomImage[],
  { size, onProgress }: PhantomOptions,
): Promise<FoundBox[][]> {
  const boxes: FoundBox[][] = []
  const writing = new Set<Promise<void>>()
  let done = 0
  try {
    for (const image of images) {
      const drawn = renderPhantom(image, size)
      boxes.push(drawn.boxes)
      const job = sharp(drawn.pixels, { raw: { width: size, height: size, channels: 1 } })
        .toColourspace('b-w')
        .png({ compressionLevel: 6 })
        .toFile(join(folder, imageName(image)))
        .then(() => {
          writing.delete(job)
          onProgress?.(++done, images.length)
        })
      writing.add(job)
      if (writing.size >= writersAtOnce) await Promise.race(writing)
    }
    await Promise.all(writing)
  } finally {
    // Nobody removes the folder while files are still being written into it.
    await Promise.allSettled(writing)
  }
  return boxes
}

/** Writes and flushes: the rename that follows must never show a table that a power cut could still empty. */
async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
