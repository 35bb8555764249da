/** What a model card is made of. */
import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { DataError } from '../errors.js'
import type { JudgedMetrics } from '../metrics/judge.js'
import type { Robustness } from '../metrics/robustness.js'
import type { Subgroups } from '../metrics/subgroups.js'
import type { ModelInfo } from '../models/model-info.js'
import { summariseSplits, type SplitSummary } from '../report/split-table.js'
import { readEnvironment, type Environment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import type { RunMetrics } from '../run/metrics-file.js'
import { readModelInfo } from './model-info.js'

export interface CardFacts {
  /** The run's or the file's name. */
  name: string
  /** What to give `plurad predict`. */
  model: string
  info: ModelInfo
  /** What follows is null for a model file alone, and where the run has no such file. */
  test: JudgedMetrics | null
  splits: SplitSummary | null
  subgroups: Subgroups | null
  robustness: Robustness | null
  environment: Environment | null
  /** Images that could not be used. */
  skipped: number | null
}

/**
 * @param location a run folder, a model.safetensors or a .onnx file; a file in a run folder has the run's facts
 * @throws DataError where there is no model
 */
export async function gatherFacts(location: string): Promise<CardFacts> {
  const isFolder = statSync(location, { throwIfNoEntry: false })?.isDirectory() ?? false
  const folder = new RunFolder(isFolder ? location : join(resolve(location), '..'))
  const file = isFolder ? folder.model : resolve(location)
  if (!/\.(safetensors|onnx)$/.test(file) || !existsSync(file)) {
    throw new DataError(
      `${location} is neither a run folder whose training has ended nor a model file (.safetensors, .onnx).`,
    )
  }
  const info = await readModelInfo(file)
  const environment = readEnvironment(folder.environment)
  // A model that was copied beside another run is not that run's.
  const isOfRun = environment?.data_fingerprint === info.data_fingerprint
  const json = async <T>(path: string): Promise<T | null> =>
    isOfRun && existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as T) : null
  const text = async (path: string): Promise<string | null> =>
    isOfRun && existsSync(path) ? readFile(path, 'utf8') : null
  const splits = await text(folder.split)
  const skipped = await text(folder.skipped)
  const metrics = await json<RunMetrics>(folder.metrics)
  return {
    name: isFolder ? basename(folder.root) : basename(file),
    model: isFolder ? basename(folder.root) : basename(file),
    info,
    test: metrics?.test ?? null,
    splits: splits === null ? null : summariseSplits('split.csv', splits),
    subgroups: await json<Subgroups>(folder.subgroups),
    robustness: await json<Robustness>(folder.robustness),
    environment: isOfRun ? environment : null,
    // Only counted: the rows name images.
    skipped: skipped === null ? null : skipped.trim().split('\n').length - 1,
  }
}
