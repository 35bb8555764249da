/** Which images lie in which class, by the names of folders alone. */
import { readdirSync, statSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import type { Split } from '../dataset.js'
import { imageFormats } from '../formats/registry.js'

/** An image file below the folder of a class. */
export interface ClassFile {
  /** From the data set's folder, with `/`. */
  path: string
  label: string
  split: Split | null
}

const SPLITS: Readonly<Partial<Record<string, Split>>> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  dev: 'val',
  test: 'test',
  testing: 'test',
}

/** A class may hold further folders, such as `images` or one a patient. */
const DEPTH = 6

const extensions = imageFormats.flatMap((format) => format.extensions)

export interface ClassFolders {
  /** Sorted by path. */
  files: ClassFile[]
  /** Images that lie beside the folders of classes instead of in one. */
  strays: string[]
}

/**
 * All images below `class/` or, where there are folders called like splits, below `split/class/`. Folders beside those of
 * splits are not read.
 */
export function classFolders(folder: string): ClassFolders {
  const ofSplits = foldersIn(folder, '').filter((name) => splitNamed(name) !== null)
  const places = ofSplits.length > 0 ? ofSplits : ['']
  return {
    files: places.flatMap((place) => classesIn(folder, place)).sort((a, b) => (a.path < b.path ? -1 : 1)),
    strays: places.flatMap((place) =>
      entries(join(folder, place)).flatMap(({ name }) => (isImage(name) ? [prefix(place) + name] : [])),
    ),
  }
}

function splitNamed(name: string): Split | null {
  return SPLITS[name.toLowerCase()] ?? null
}

function classesIn(root: string, folder: string): ClassFile[] {
  const split = splitNamed(folder)
  return foldersIn(root, folder).flatMap((label) =>
    imagesBelow(root, prefix(folder) + label, DEPTH).map((path) => ({ path, label, split })),
  )
}

function imagesBelow(root: string, folder: string, depth: number): string[] {
  if (depth === 0) return []
  const found: string[] = []
  for (const entry of entries(join(root, folder))) {
    const path = `${folder}/${entry.name}`
    if (isImage(entry.name)) found.push(path)
    else if (isFolder(join(root, path), entry)) found.push(...imagesBelow(root, path, depth - 1))
  }
  return found
}

function foldersIn(root: string, folder: string): string[] {
  return entries(join(root, folder))
    .filter((entry) => isFolder(join(root, folder, entry.name), entry))
    .map(({ name }) => name)
}

/** Without what archives and systems leave behind: `.git`, `__MACOSX`, `._17.png`. */
function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !/^(\.|__MACOSX$)/.test(name))
  } catch {
    return []
  }
}

function isImage(name: string): boolean {
  const lower = name.toLowerCase()
  return extensions.some((extension) => lower.endsWith(extension))
}

/** A link counts as what it leads to. */
function isFolder(path: string, entry: Dirent): boolean {
  return entry.isSymbolicLink()
    ? (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)
    : entry.isDirectory()
}

function prefix(folder: string): string {
  return folder === '' ? '' : `${folder}/`
}
