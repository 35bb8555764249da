/** What stands on the command line, as models and image references. */
import { existsSync, readdirSync } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { dicom } from '../../data/formats/dicom.js'
import { splitReference } from '../../data/formats/decode.js'
import { imageFormats } from '../../data/formats/registry.js'
import { DataError, UsageError } from '../../errors.js'
import { namedMembers } from '../export-ensemble.js'
import { expandGlob, isGlob } from '../glob.js'

/** Bytes by which a DICOM file is told, which often has no ending. */
const HEAD_BYTES = 512

const EXTENSIONS = imageFormats.flatMap(({ extensions }) => extensions)

/**
 * Run folders and model files at the beginning are models, the rest are images: no image is called like a model. Of an
 * ensemble's folder the exported members.
 */
export async function splitModels(args: readonly string[]): Promise<{ models: string[]; files: string[] }> {
  const first = args.findIndex((arg, i) => i > 0 && !isModel(arg))
  if (first < 0) throw new UsageError('predict: name an image, a folder or a pattern behind the model')
  const models = await Promise.all(args.slice(0, first).map(membersOf))
  return { models: models.flat(), files: args.slice(first) }
}

/**
 * The exported members of an ensemble's folder, the model itself for any other.
 *
 * @throws DataError where they have not been exported; ExportError where they cannot be, since they are not combined by their mean
 */
async function membersOf(model: string): Promise<string[]> {
  const members = await namedMembers(model)
  if (members === null) return [model]
  const folder = join(model, 'models')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : []
  if (names.length === members.length)
    return names.sort((a, b) => parseInt(a, 10) - parseInt(b, 10)).map((name) => join(folder, name))
  throw new DataError(
    `${model} is an ensemble of ${members.length} models, and ${folder} has ${names.length} of them: run plurad export ` +
      `${model} first.`,
  )
}

function isModel(arg: string): boolean {
  if (/\.(onnx|safetensors)$/i.test(arg)) return true
  return ['model.onnx', 'model.safetensors', 'recipe.yaml', 'ensemble.json'].some((name) =>
    existsSync(join(arg, name)),
  )
}

/**
 * Image references in the order given: files (`scan.dcm#3` for a part of one), all images in folders and below, and what
 * patterns such as `images/**\/*.dcm` match.
 *
 * @throws DataError where an argument stands for nothing
 */
export async function expandInputs(args: readonly string[]): Promise<string[]> {
  const images: string[] = []
  for (const arg of args) images.push(...(await expand(arg)))
  return images
}

async function expand(arg: string): Promise<string[]> {
  const { path } = splitReference(arg)
  const found = await stat(path).catch(() => null)
  if (found?.isDirectory() === true) {
    const images = await imagesBelow(path)
    if (images.length === 0)
      throw new DataError(
        `The folder ${path} holds no image, nor do those in it: expected ${EXTENSIONS.join(', ')} or DICOM of any name.`,
      )
    return images
  }
  if (found !== null) return [arg]
  if (!isGlob(arg)) throw new DataError(`There is no file or folder ${path}.`)
  const matched = await expandGlob(arg)
  if (matched.length === 0) throw new DataError(`No file matches ${arg}.`)
  return matched
}

/** Sorted by path; without what archives and systems leave behind. */
async function imagesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const images: string[] = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    if (/(^|\/)(\.[^/]|__MACOSX\/)/.test(path.slice(folder.length).replaceAll('\\', '/'))) continue
    if (!entry.isDirectory() && (await isImage(path, entry.name))) images.push(path)
  }
  return images.sort()
}

/** By its ending; DICOM also by its content, but for an index of a disc. */
async function isImage(path: string, name: string): Promise<boolean> {
  const lower = name.toLowerCase()
  if (EXTENSIONS.some((extension) => lower.endsWith(extension))) return true
  if (lower === 'dicomdir' || /\.[a-z]+$/.test(lower)) return false
  const file = await open(path).catch(() => null)
  if (file === null) return false
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return dicom.matches(buffer.subarray(0, bytesRead))
  } catch {
    return false
  } finally {
    await file.close()
  }
}
