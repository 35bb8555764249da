import { z } from 'zod'
import { RecipeError } from '../../errors.js'
import type { LabelValue } from '../dataset.js'
import type { LabelColumn } from './row-parts.js'

export const relabelSettings = {
  rename: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe('new names of labels, as {Pleural Effusion: Effusion}; those that get one name are merged'),
  merge: z
    .record(z.string().min(1), z.array(z.string()).nonempty())
    .default({})
    .describe('labels made of others: present where one of them is, as {Opacity: [Mass, Nodule]}'),
}

export interface NamedLabel {
  name: string
  column: LabelColumn
}

/** What `rename` and `merge` make of a label's name. */
export function newNames(settings: {
  rename: Readonly<Record<string, string>>
  merge: Readonly<Record<string, readonly string[]>>
}): Map<string, string> {
  const names = new Map(Object.entries(settings.rename))
  for (const [name, parts] of Object.entries(settings.merge)) {
    for (const part of parts) {
      const other = names.get(part)
      if (other !== undefined && other !== name) {
        throw new RecipeError(
          `Settings of the data set: "${part}" becomes "${other}" and is merged into "${name}". Decide for one.`,
        )
      }
      names.set(part, name)
    }
  }
  return names
}

/** Labels under their new names, in the order in which these come first. */
export function relabelled(labels: readonly NamedLabel[], names: ReadonlyMap<string, string>): NamedLabel[] {
  const groups = new Map<string, LabelColumn[]>()
  for (const { name, column } of labels) {
    const now = names.get(name) ?? name
    const group = groups.get(now)
    if (group === undefined) groups.set(now, [column])
    else group.push(column)
  }
  return [...groups].map(([name, columns]) => ({ name, column: eitherOf(columns) }))
}

/** Present where one is, absent where all are, else unknown. */
function eitherOf(columns: readonly LabelColumn[]): LabelColumn {
  if (columns.length === 1) return columns[0]
  return columnOf(columns[0].codes.length, (row) => {
    let unknown = false
    for (const { codes, values } of columns) {
      const value = values[codes[row]]
      if (value === 1) return 1
      unknown ||= value === null
    }
    return unknown ? null : 0
  })
}

const meanings: readonly LabelValue[] = [0, 1, null]

/** A label computed row by row. */
function columnOf(length: number, valueOf: (row: number) => LabelValue): LabelColumn {
  const codes = new Uint8Array(length)
  for (let row = 0; row < length; row++) codes[row] = valueOf(row) ?? 2
  return { codes, values: meanings }
}
