import { readFile } from 'node:fs/promises'
import { RunError } from '../errors.js'
import type { JudgedMetrics } from '../metrics/judge.js'
import { RunFolder } from './folder.js'

/** What `metrics.json` of a run folder holds. */
export interface RunMetrics {
  best_epoch: number | null
  val: JudgedMetrics
  test: JudgedMetrics
}

export async function readMetrics(folder: string): Promise<RunMetrics> {
  const { metrics } = new RunFolder(folder)
  try {
    return JSON.parse(await readFile(metrics, 'utf8')) as RunMetrics
  } catch (error) {
    throw new RunError(`${metrics} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
