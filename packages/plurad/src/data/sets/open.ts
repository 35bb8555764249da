import { resolve } from 'node:path'
import { z } from 'zod'
import { DataError, RecipeError } from '../../errors.js'
import { describeIssues } from '../../schema-issues.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset } from '../dataset.js'
import { commonSettings, type DatasetAdapter, type OpenOptions, type Place } from './adapter.js'
import { lookAt, nothingToOpen } from './place.js'
import { datasetAdapters } from './registry.js'
import { listed } from './table.js'

/**
 * Opens a data set. Reads its tables and lists its image folders; no image is opened.
 *
 * @param location a folder in a layout of the registry, or any with exactly one table, or a table
 * @throws DataError naming file, row and column of what is wrong, and what to do
 * @throws RecipeError for settings that the adapter does not know
 */
export async function openDataset(location: string, options: OpenOptions = {}): Promise<Dataset> {
  const common = readCommon(options.settings)
  const name = options.adapter ?? common.adapter
  const named = name === undefined ? null : adapterNamed(name)
  const place = await lookAt(location, openDataset, { sheet: common.sheet })
  const adapter = named ?? (await adapterFor(place))
  if (adapter === null) throw nothingToOpen(place)
  const images =
    options.images ?? (common.images === undefined ? undefined : resolve(place.folder, common.images))
  return adapter.open(place, { ...options, images })
}

async function adapterFor(place: Place): Promise<DatasetAdapter | null> {
  for (const adapter of datasetAdapters) if (await adapter.recognises(place)) return adapter
  return null
}

function readCommon(settings: OpenOptions['settings'] = {}) {
  const schema = z.object(commonSettings)
  const parsed = schema.safeParse(settings, { reportInput: true })
  if (parsed.success) return parsed.data
  throw new RecipeError(
    `Settings of the data set: ${describeIssues(parsed.error, schema, 'settings').join('; ')}`,
  )
}

function adapterNamed(name: string): DatasetAdapter {
  const names = datasetAdapters.map((adapter) => adapter.name)
  const adapter = datasetAdapters[names.indexOf(name)]
  if (adapter === undefined) {
    throw new DataError(
      `No data set adapter "${name}". There are ${listed(names)}.${didYouMean(name, names)}`,
    )
  }
  return adapter
}
