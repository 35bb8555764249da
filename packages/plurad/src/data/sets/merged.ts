import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { describeIssues } from '../../schema-issues.js'
import type { Dataset } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { unreadable } from './file-bytes.js'
import { mergeDatasets } from './merge.js'

const labels = z.union([z.enum(['union', 'intersection']), z.array(z.string()).nonempty()])
const split = z.enum(['auto', 'keep', 'none'])

const settings = z.strictObject({
  labels: labels
    .optional()
    .describe(
      'union (labels of any set), intersection (labels that all have), or a list; over what the file says',
    ),
  split: split
    .optional()
    .describe(
      "the sets' own splits: auto (kept where every set has one), keep or none; over what the file says",
    ),
})

const file = z.strictObject({
  sets: z
    .array(
      // What is not named here are settings of the set's adapter.
      z.looseObject({ path: z.string(), name: z.string().min(1).optional() }),
    )
    .min(1),
  labels: labels.default('union'),
  split: split.default('auto'),
})

/**
 * Several data sets as one: a YAML or JSON file that lists them, each with its path (from the file's folder), a name and
 * the settings of its adapter. See `mergeDatasets`.
 *
 *     sets:
 *       - { path: ChestX-ray14, name: nih, split: official }
 *       - { path: CheXpert-v1.0-small, name: chexpert, policy: u-ones }
 *     labels: intersection
 */
export const merged = defineAdapter({
  name: 'merged',
  summary:
    'several data sets as one, labels matched by name: a YAML or JSON file that lists them, such as sets.yaml',
  settings,
  recognises: (place) => listAt(place) !== null,
  open: openMerged,
})

function listAt({ file, folder, names }: Place): string | null {
  if (file !== null) return /\.(ya?ml|json)$/i.test(file) ? file : null
  const name = names.find((candidate) => /^sets\.(ya?ml|json)$/.test(candidate))
  return name === undefined ? null : resolve(folder, name)
}

async function openMerged(
  place: Place,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const path = listAt(place)
  if (path === null) {
    throw new DataError(`${place.folder}: no sets.yaml or sets.json. Name the file that lists the data sets.`)
  }
  const list = await readList(path)
  const parts: Dataset[] = []
  for (const { path: location, name, ...own } of list.sets) {
    const full = resolve(place.folder, location)
    if (/\.(ya?ml|json)$/i.test(full)) {
      throw new DataError(`${path}: ${location} is itself a list of sets. List the data sets themselves.`)
    }
    const { strict, requireImages } = options
    const part = await place.open(full, { strict, requireImages, settings: own })
    parts.push({ ...part, name: name ?? part.name })
  }
  return mergeDatasets(place.file === null ? place.name : basename(path).replace(/\.\w+$/, ''), parts, {
    labels: options.labels ?? given.labels ?? list.labels,
    split: given.split ?? list.split,
  })
}

async function readList(path: string): Promise<z.infer<typeof file>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error)
  })
  // JSON is YAML too.
  const document = parseDocument(text, { prettyErrors: true })
  const problem = document.errors[0]
  if (problem) throw new DataError(`${path} is not YAML: ${problem.message}`)
  const parsed = file.safeParse(document.toJS(), { reportInput: true })
  if (parsed.success) return parsed.data
  const lines = describeIssues(parsed.error, file, 'file')
  throw new DataError(
    `${path}: expected a list of data sets under the key sets, each with its path:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  )
}
