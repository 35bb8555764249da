/** Rows and files that do not fit together. */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { splitReference } from '../formats/decode.js'
import { imageFormats } from '../formats/registry.js'
import { ImageFolder } from '../sets/folder.js'
import { ageInYears, OLDEST } from '../sets/metadata.js'
import { readTable, TABLE_NAME } from '../sets/table.js'
import type { FactsTable } from './facts-table.js'
import { counted, type Outcome } from './finding.js'
import type { Subject } from './subject.js'

/**
 * @param location the data set's folder or table
 * @param looked whether files were looked for when the data set was opened
 */
export function rowsWithoutFiles(subject: Subject, location: string, looked: boolean): Outcome {
  const { skipped } = subject.dataset
  if (skipped.length === 0) {
    return looked ? { passed: 'every row has its file' } : { notChecked: 'files: none was looked for' }
  }
  const folder = `${folderOf(location)}/`
  return {
    severity: 'warning',
    count: skipped.length,
    summary: `${counted(skipped.length, 'image')} of the table cannot be used`,
    advice: 'They are skipped. Bring the files, or take the rows out of the table.',
    items: skipped.map(({ image, reason }) => `${image}: ${reason.replaceAll(folder, '')}`),
    images: skipped.map(({ image }) => image),
  }
}

/**
 * Looks where the data set's images lie: in the folders that hold at least one of them, and in `images`, `images_001` …
 * Other folders may hold anything.
 *
 * @param location the data set's folder or table
 * @param images where its references start from, if that was said
 */
export function filesWithoutRows(subject: Subject, location: string, images?: string): Outcome {
  const folder = folderOf(location)
  const used = new Set(subject.images.map(({ reference }) => resolve(splitReference(reference).path)))
  const usedNames = new Set([...used].map((path) => basename(path)))
  const roots =
    images === undefined
      ? ImageFolder.around(folder).roots.filter((root) => resolve(root) !== folder)
      : [resolve(images)]
  const folders = [
    ...new Set([...roots.map((root) => resolve(root)), ...[...used].map((path) => dirname(path))]),
  ]
  const endings = imageFormats.flatMap(({ extensions }) => extensions)
  const unused = folders
    .sort()
    .flatMap((place) => imagesIn(place, endings))
    // Of an image that lies in the folders of several classes one file is read.
    .filter((path) => !used.has(path) && !usedNames.has(basename(path)))
  if (unused.length === 0) return { passed: 'every image file has a row' }
  return {
    severity: 'note',
    count: unused.length,
    summary: `${counted(unused.length, 'image file')} without a row`,
    advice: 'They are not used. Add rows if they should be.',
    items: unused.map((path) => (path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path)),
    images: unused.map((path) => basename(path)),
  }
}

/** The folder that was named, or the one that holds the file that was. */
function folderOf(location: string): string {
  const path = resolve(location)
  return statSync(path).isDirectory() ? path : dirname(path)
}

function imagesIn(folder: string, endings: readonly string[]): string[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  // Hidden files, such as macOS's `._` twins, are no images.
  const isImage = (name: string) =>
    !name.startsWith('.') && endings.some((ending) => name.toLowerCase().endsWith(ending))
  return names
    .filter(isImage)
    .sort()
    .map((name) => join(folder, name))
}

const AGE_COLUMNS = /^(patient)?age(years)?$/

/** Ages that no patient can have; they are read as unknown, so the opened data set does not show them any more. */
export async function impossibleAges(location: string): Promise<Outcome> {
  const items: string[] = []
  let columns = 0
  for (const file of tablesOf(location)) {
    const table = await readTable(file).catch(() => null)
    table?.columns.forEach((column, index) => {
      if (!AGE_COLUMNS.test(column.toLowerCase().replace(/[^a-z]/g, ''))) return
      columns++
      const { codes, texts } = table.coded(index)
      const impossible = texts.map((text) => {
        const age = ageInYears(text)
        return age !== null && (age < 0 || age > OLDEST)
      })
      codes.forEach((code, row) => {
        if (impossible[code]) items.push(`${basename(file)}, row ${table.rowNumbers[row]}: ${texts[code]}`)
      })
    })
  }
  if (columns === 0) return { notChecked: 'ages: no table has a column for them' }
  if (items.length === 0) return { passed: `every age is between 0 and ${OLDEST}` }
  return {
    severity: 'note',
    count: items.length,
    summary: `${counted(items.length, 'row')} with an impossible age`,
    advice: 'They are read as unknown. Correct them if age is to be used.',
    items,
    images: [],
  }
}

/** The table that was named, or all of the folder. */
function tablesOf(location: string): string[] {
  const path = resolve(location)
  if (!statSync(path).isDirectory()) return TABLE_NAME.test(path) ? [path] : []
  const names = readdirSync(path).filter((name) => TABLE_NAME.test(name) && !/^[.~]/.test(name))
  return names.sort().map((name) => join(path, name))
}

export function damagedFiles(subject: Subject, facts: FactsTable): Outcome {
  const found = [...facts.failures.keys()].sort((a, b) => a - b)
  const total = subject.images.length
  if (found.length === 0) return { passed: `every file can be read (${counted(total, 'image')})` }
  const many = found.length > total / 20
  return {
    severity: many ? 'error' : 'warning',
    count: found.length,
    summary: `${counted(found.length, 'image')} of ${total.toLocaleString('en-US')} cannot be read`,
    advice:
      'They would be skipped' +
      (many ? ', which is so much of the data that results would be of another data set. ' : '. ') +
      'Copy the files again from their source, or take their rows out.',
    items: found.map((image) => {
      const reason = facts.failures.get(image) ?? ''
      // The full path stands in the reason of most readers.
      const { reference } = subject.images[image]
      return `${subject.describe(image)}: ${reason.replaceAll(reference, '').replace(/^[:\s]+/, '')}`
    }),
    images: subject.names(found),
  }
}
