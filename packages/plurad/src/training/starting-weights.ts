/** What a model starts from beside chance: public weights, frozen parts, vectors of the labels. */
import { join } from 'node:path'
import type { OffThreadContext } from '@plurad/torch'
import { RunError } from '../errors.js'
import { formatBytes } from '../disk-space.js'
import { writeFileAtomic } from '../files.js'
import type { Classifier } from '../models/classifier.js'
import type { LabelStatistics, LabelVectors } from '../models/head.js'
import { heads, lookUp } from '../models/registry.js'
import { makeLabelVectors } from '../models/vectors/label-vectors.js'
import { readCheckpoint } from '../models/weights/checkpoint.js'
import { fitCheckpoint } from '../models/weights/fit.js'
import { locateWeights, type LocateOptions } from '../models/weights/locate.js'
import { fitReportLines } from '../models/weights/report.js'
import type { Recipe } from '../recipe/schema.js'
import type { RunFolder } from '../run/folder.js'
import type { TrainingMessage } from './job.js'

type Context = Pick<OffThreadContext<TrainingMessage>, 'post' | 'stopped'>

/** Loads weights by key, says what became of each, and writes it to the run folder. */
export async function startFrom(
  reference: string,
  model: Classifier,
  folder: Pick<RunFolder, 'root'>,
  context: Context,
): Promise<void> {
  const { file, known } = await fetching(context, (options) => locateWeights(reference, options))
  const checkpoint = readCheckpoint(file)
  try {
    const classes = known?.classes
    const report = fitCheckpoint(checkpoint, model, { labels: typeof classes === 'object' ? classes : null })
    await writeFileAtomic(join(folder.root, 'weights.json'), `${JSON.stringify(report, null, 2)}\n`)
    for (const text of fitReportLines(report)) context.post({ kind: 'note', text })
  } finally {
    checkpoint.tensors.close()
  }
  if (known !== null && known.backbone !== model.settings.backbone.name)
    context.post({ kind: 'note', text: `${known.id} is of ${known.backbone}.` })
}

/** Null where the head makes no use of them. */
export async function labelVectorsFor(
  { model }: Recipe,
  labels: readonly string[],
  statistics: LabelStatistics,
  context: Context,
): Promise<LabelVectors | null> {
  const { name, ...options } = model.head
  if (!lookUp(heads, 'head', name).usesVectors(options)) return null
  const settings = model.label_vectors ?? { source: 'cooccurrence' as const, dim: null }
  const { vectors, notes } = await fetching(context, (options) =>
    makeLabelVectors(settings, labels, statistics, options),
  )
  for (const text of notes) context.post({ kind: 'note', text })
  return vectors
}

/** Work that may have to download: progress goes out as notes, and a stop ends it. */
async function fetching<T>(context: Context, work: (options: LocateOptions) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const stopped = new RunError('Stopped while weights were fetched; the next attempt goes on from there.')
  const watch = setInterval(() => context.stopped && abort.abort(stopped), 200)
  let quarter = 0
  try {
    return await work({
      signal: abort.signal,
      onNote: (text) => context.post({ kind: 'note', text }),
      onProgress: (received, total) => {
        const now = total === null ? 0 : Math.floor((4 * received) / total)
        if (now > quarter && now < 4 && total !== null)
          context.post({ kind: 'note', text: `  ${25 * now} % of ${formatBytes(total)}` })
        quarter = now
      },
    })
  } finally {
    clearInterval(watch)
  }
}
