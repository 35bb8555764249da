/** The models of an ensemble, by what their own folders say of them. */
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Ensemble } from './load.js'
import { parseMetrics, type SplitMetrics } from './metrics-file.js'
import type { Cell } from './table.js'

export interface EnsembleMember {
  /** Without the folders before it. */
  name: string
  /** Macro metrics of the test split; null where its metrics are not found. */
  auc: Cell
  averagePrecision: Cell
}

/** @param folder that members may be named from, beside where the program was started */
export function readMembers({ members }: Ensemble, folder: string | null): Promise<EnsembleMember[]> {
  return Promise.all(
    members.map(async (location) => {
      const name = basename(location).replace(/\.(csv|npz)$/i, '')
      const places = folder === null ? [location] : [resolve(folder, location), location]
      const text = await readFirst(places.map((place) => join(place, 'metrics.json')))
      const test = text === null ? null : testMetrics(text)
      const cell = (of: 'auc' | 'average_precision'): Cell => ({
        value: test?.macro[of] ?? null,
        interval: test?.intervals && (test.intervals.means.macro?.[of] ?? null),
      })
      return { name, auc: cell('auc'), averagePrecision: cell('average_precision') }
    }),
  )
}

/** Null for a file that is damaged: the report is of the ensemble, not of its members. */
function testMetrics(text: string): SplitMetrics | null {
  try {
    return parseMetrics(JSON.parse(text)).test
  } catch {
    return null
  }
}

async function readFirst(files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => null)
    if (text !== null) return text
  }
  return null
}
