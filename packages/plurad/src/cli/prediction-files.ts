/** Predictions that were saved: by a run, as CSV, or by another program as NPZ. */
import { existsSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { Command } from 'commander'
import { DataError, UsageError } from '../errors.js'
import { readPredictionsNpz } from '../metrics/index.js'
import { readPredictions, type Predictions } from '../metrics/predictions.js'

export interface PredictionFlags {
  split: string
  labels?: string
}

export function predictionOptions(command: Command): Command {
  return command
    .option('--split <name>', 'val or test: which predictions of a run folder', 'test')
    .option('--labels <names>', 'label names of an NPZ file that has none, with commas between')
}

/** @throws UsageError for another split */
export function checkSplit(command: string, { split }: PredictionFlags): 'val' | 'test' {
  if (split === 'val' || split === 'test') return split
  throw new UsageError(`${command}: --split ${split}: expected val or test`)
}

/**
 * Predictions of a run folder (`predictions/<split>.csv`), of a CSV file as a run has, or of an NPZ file.
 *
 * @throws DataError where there are none, or they cannot be read
 */
export async function readSavedPredictions(
  location: string,
  split: string,
  labels?: string,
): Promise<Predictions> {
  if (isFolder(location)) {
    const file = join(location, 'predictions', `${split}.csv`)
    if (!existsSync(file)) {
      throw new DataError(
        `${location} has no predictions/${split}.csv: expected a run folder whose training has ended, or a CSV or NPZ file.`,
      )
    }
    return readPredictions(file)
  }
  const names = labels?.split(',').map((name) => name.trim())
  if (extname(location).toLowerCase() === '.npz')
    return readPredictionsNpz(location, { labels: names, split })
  return readPredictions(location)
}

/** The validation predictions beside a run's test predictions; null where there are none. */
export async function readValidation(location: string): Promise<Predictions | null> {
  const file = join(location, 'predictions', 'val.csv')
  return isFolder(location) && existsSync(file) ? readPredictions(file) : null
}

/** What a table calls a run or file. */
export function nameOf(location: string): string {
  return basename(location).replace(/\.(csv|npz)$/i, '')
}

function isFolder(location: string): boolean {
  return statSync(location, { throwIfNoEntry: false })?.isDirectory() ?? false
}
