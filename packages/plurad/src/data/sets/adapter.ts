import { z } from 'zod'
import { RecipeError } from '../../errors.js'
import { describeIssues } from '../../schema-issues.js'
import type { Dataset } from '../dataset.js'
import type { Table } from './table.js'

/** What a caller may say about a data set; all of it is optional. */
export interface OpenOptions {
  /** Labels to keep, in this order; all that the data set has when left out. */
  labels?: readonly string[] | undefined
  /** Name of an adapter in the registry; told by what lies in the folder when left out. */
  adapter?: string | undefined
  /** Folder that image references start from; found by itself when left out. */
  images?: string | undefined
  /** A missing image file is an error instead of a skipped row. */
  strict?: boolean | undefined
  /** `false` opens the tables alone: no image is looked for, and `Sample.path` is only where one might be. */
  requireImages?: boolean | undefined
  /** A recipe's `data.set`: the adapter's own settings, checked by its schema, and those of `commonSettings`. */
  settings?: Readonly<Record<string, unknown>> | undefined
}

/** Settings that every data set takes, whatever its adapter. Paths in settings start from the data set's folder. */
export const commonSettings = {
  adapter: z
    .string()
    .optional()
    .describe('name of the adapter; told by what lies in the folder when left out'),
  images: z.string().optional().describe('folder that image references start from'),
  sheet: z.string().optional().describe('XLSX: name of the sheet; the first when left out'),
}

/** What was named to be opened, for an adapter to look at. */
export interface Place {
  /** Short name for people: the folder's, or the file's without its ending. */
  name: string
  /** Absolute: the folder named, or the one that holds the file named. */
  folder: string
  /** Entries of the folder, sorted. */
  names: readonly string[]
  /** The file that was named instead of a folder, absolute. */
  file: string | null
  /** Header of a table (path from the folder, or absolute), read once; null for what is none or cannot be read. */
  columns(file: string): Promise<readonly string[] | null>
  /** @throws DataError naming file and row */
  table(file: string): Promise<Table>
  /** Opens another data set, for adapters that gather several. */
  open(location: string, options: OpenOptions): Promise<Dataset>
}

/** One layout of data set. To add one: a file beside this and a line in `registry.ts`. */
export interface DatasetAdapter {
  /** What `data.set.adapter` takes, such as `nih`. */
  name: string
  /** One line for people. */
  summary: string
  /** Strict; every entry has a description. */
  settings: z.ZodObject
  /** Whether this layout lies there. Only looks at names and headers: each adapter is asked, the particular first. */
  recognises(place: Place): boolean | Promise<boolean>
  /**
   * @throws DataError naming file, row and column of what cannot be used
   * @throws RecipeError for unknown settings and values out of range
   */
  open(place: Place, options: OpenOptions): Promise<Dataset>
}

/** An adapter whose settings are checked before it opens anything. */
export function defineAdapter<Schema extends z.ZodObject>(definition: {
  name: string
  summary: string
  settings: Schema
  recognises(place: Place): boolean | Promise<boolean>
  open(place: Place, settings: z.infer<Schema>, options: OpenOptions): Dataset | Promise<Dataset>
}): DatasetAdapter {
  const { name, settings } = definition
  return {
    ...definition,
    open: async (place, options) =>
      definition.open(place, checked(name, settings, options.settings), options),
  }
}

function checked<Schema extends z.ZodObject>(
  adapter: string,
  schema: Schema,
  given: Readonly<Record<string, unknown>> = {},
): z.infer<Schema> {
  const common = Object.keys(commonSettings)
  const own = Object.fromEntries(Object.entries(given).filter(([key]) => !common.includes(key)))
  const parsed = schema.safeParse(own, { reportInput: true })
  if (parsed.success) return parsed.data
  const lines = describeIssues(parsed.error, schema, 'settings', common)
  throw new RecipeError(
    `Settings of the data set (adapter ${adapter}):\n${lines.map((line) => `  ${line}`).join('\n')}`,
  )
}
