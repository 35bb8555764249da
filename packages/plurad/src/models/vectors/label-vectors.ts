/** The vectors of a recipe's labels, from wherever it says. */
import type { LabelStatistics, LabelVectors } from '../head.js'
import type { LocateOptions } from '../weights/locate.js'
import { cooccurrenceVectors } from './cooccurrence.js'
import type { LabelVectorSettings } from './settings.js'
import { openTextEncoder, vectorsFromEncoder } from './text-encoder.js'
import { vectorsFromWords } from './word-file.js'

export interface MadeVectors {
  vectors: LabelVectors
  /** What a user should know of them. */
  notes: string[]
}

/** @throws DataError where the source has no vector of a label, or cannot be read */
export async function makeLabelVectors(
  settings: LabelVectorSettings,
  labels: readonly string[],
  statistics: LabelStatistics,
  options: LocateOptions = {},
): Promise<MadeVectors> {
  switch (settings.source) {
    case 'cooccurrence':
      return { vectors: cooccurrenceVectors(statistics, settings.dim), notes: [] }
    case 'word2vec':
    case 'glove': {
      const { vectors, unknown } = await vectorsFromWords(settings.file, settings.source, labels)
      const note = `${settings.file} does not know ${unknown.join(', ')}: left out of the labels' vectors.`
      return { vectors, notes: unknown.length === 0 ? [] : [note] }
    }
    default: {
      const encoder = await openTextEncoder(settings, options)
      return { vectors: await vectorsFromEncoder(encoder, settings.source, labels), notes: [] }
    }
  }
}
