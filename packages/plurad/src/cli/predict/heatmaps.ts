/** `plurad predict --heatmaps DIR`: a picture an image, of where the model found what it found. */
import { decodeImage } from '../../data/formats/decode.js'
import { FileNames, writeExplanation } from '../../explain/render/write.js'
import { makeFolder } from '../../files.js'
import { explainItems, type ExplainRequest } from '../explain/engine.js'
import { bar, Progress } from '../progress.js'
import { resultsOf, shownFindings, type Finding, type Outcome } from './results.js'

export interface HeatmapOptions {
  /** One. */
  models: readonly string[]
  threads?: number | null
  device?: string
}

/** Longest side of a panel, pixels. */
const SIDE = 320

/** A map with fewer positions along a side says hardly more than which quarter of the image. */
const COARSE = 7

/**
 * Findings that reach their threshold; the most probable one where none does. The numbers are those of the prediction, also
 * where they are means over views: the map is of the image as it is.
 */
export async function writeHeatmaps(
  { models, threads = null, device = 'auto' }: HeatmapOptions,
  outcome: Outcome,
  folder: string,
): Promise<void> {
  const [model] = models
  const { views = [] } = outcome
  makeFolder(folder)
  const results = new Map(resultsOf(outcome).map(({ image, findings }) => [image, findings]))
  const shown = new Map([...results].map(([image, findings]) => [image, shownFindings(findings)]))
  const items = itemsOf(outcome, shown)
  const names = new FileNames()
  const notes = new Set<string>()
  const progress = new Progress({ quiet: items.length === 1 })
  let written = 0
  await explainItems(
    { model, threads, device, preferExported: true, items },
    {
      onExplained: async (explained, { info, method, title, unit }) => {
        const image = await decodeImage(explained.image, info.window)
        const findings = results.get(explained.image) ?? []
        const probabilities = Float64Array.from(findings, ({ probability }) => probability)
        await writeExplanation({ ...explained, probabilities }, image, info, names.of(explained.image), {
          folder,
          raw: 'none',
          shared: true,
          side: SIDE,
          method,
          title: views.length === 0 ? title : `${title} of the image as it is, numbers are means over views`,
          unit,
        })
        for (const { shape } of explained.heatmaps.slice(0, 1)) {
          if (explained.resolution === 'map' && Math.min(...shape) < COARSE)
            notes.add(
              `The map has ${shape.join(' x ')} positions for ${info.size} x ${info.size} pixels: it shows a region, not an ` +
                'outline; plurad explain --method integrated-gradients looks at pixels.',
            )
        }
        written++
        progress.update(`Explaining ${bar(written / items.length)} ${written}/${items.length}`)
      },
      onUnexplained: ({ image, reason }) => {
        process.stderr.write(`plurad: no heat map: ${image}: ${reason}\n`)
        process.exitCode = 1
      },
    },
  )
  progress.clear()
  if (views.length > 0)
    notes.add(`The probabilities are means over ${views.join(', ')}; the maps are of the images as they are.`)
  for (const note of notes) process.stderr.write(`Note: ${note}\n`)
  process.stderr.write(`${written} picture(s) in ${folder}\n`)
}

/** What is to be explained: of each image what was predicted of it, whatever the map's own run of the network says. */
export function itemsOf(
  { predictions }: Outcome,
  shown: ReadonlyMap<string, readonly Finding[]>,
): ExplainRequest['items'] {
  return predictions.images.map((path) => ({
    image: path,
    path,
    labels: { kind: 'names', names: (shown.get(path) ?? []).map(({ label }) => label) },
  }))
}
