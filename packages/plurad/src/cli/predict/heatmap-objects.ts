/** `--heatmaps-dicom`: where the findings of DICOM images are, as objects for the archive that the images came from. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { preprocessingOf } from '../../data/preprocessing.js'
import { renderFrame, readDicom } from '../../data/formats/dicom/index.js'
import { splitReference } from '../../data/formats/decode.js'
import { Maker, parametricMap, readSource, secondaryCapture, type LabelHeatmap } from '../../dicom/index.js'
import { DataError } from '../../errors.js'
import type { Explained } from '../../explain/explained.js'
import { Placement } from '../../explain/placement.js'
import { evidenceOf, topOf } from '../../explain/render/scale.js'
import { FileNames } from '../../explain/render/write.js'
import { makeFolder, writeFileAtomic } from '../../files.js'
import { explainItems, type About } from '../explain/engine.js'
import { algorithmOf } from './algorithm.js'
import { itemsOf, type HeatmapOptions } from './heatmaps.js'
import { resultsOf, shownFindings, type Finding, type Outcome } from './results.js'

/** Rows or columns of a parametric map; the maps of networks have fewer. */
const MOST_CELLS = 256

/**
 * Writes a secondary capture and a parametric map of each finding that reaches its threshold, or of the most probable one,
 * where something in the image speaks for it. The numbers are those of the prediction, also where they are means over views:
 * the map is of the image as it is.
 * Images that are no DICOM, or whose files are there already, are named on standard error, with exit code 1.
 */
export async function writeHeatmapObjects(
  { models, threads = null, device = 'auto' }: HeatmapOptions,
  outcome: Outcome,
  folder: string,
): Promise<void> {
  const [model] = models
  makeFolder(folder)
  const names = new FileNames()
  let maker: Maker | null = null
  let written = 0
  const refuse = (reason: string): void => {
    process.stderr.write(`plurad: no heat map: ${reason}\n`)
    process.exitCode = 1
  }
  const { views = [] } = outcome
  const shown = new Map(resultsOf(outcome).map(({ image, findings }) => [image, shownFindings(findings)]))
  const items = itemsOf(outcome, shown)
  await explainItems(
    { model, threads, device, preferExported: true, items },
    {
      onExplained: async (explained, about) => {
        maker ??= new Maker({ algorithm: algorithmOf(about.info, views) })
        try {
          const name = names.of(explained.image)
          const findings = shown.get(explained.image) ?? []
          for (const { label, objects } of await objectsOf(maker, explained, about, findings, views)) {
            if (objects === null) {
              process.stderr.write(`${explained.image}: no heat map of ${label}, nothing speaks for it\n`)
              continue
            }
            const stem = `${name}.${label.replace(/[^\p{L}\p{N}]+/gu, '-')}`
            for (const [kind, content] of Object.entries(objects)) {
              const file = join(folder, `${stem}.${kind}.dcm`)
              if (existsSync(file))
                throw new DataError(`${file} exists and is not written over: name another folder.`)
              await writeFileAtomic(file, content)
              written++
            }
          }
        } catch (error) {
          if (!(error instanceof DataError)) throw error
          refuse(error.message)
        }
      },
      onUnexplained: ({ image, reason }) => {
        refuse(`${image}: ${reason}`)
      },
    },
  )
  process.stderr.write(`${folder}: ${written} DICOM heat maps\n`)
}

async function objectsOf(
  maker: Maker,
  explained: Explained,
  { info, method }: About,
  findings: readonly Finding[],
  views: readonly string[],
): Promise<{ label: string; objects: { sc: Uint8Array; pm: Uint8Array } | null }[]> {
  const { path, part } = splitReference(explained.image)
  const content = await readFile(path)
  const source = readSource(content, path)
  const frame = Number(part ?? 0)
  const image = renderFrame(readDicom(content), frame, info.window)
  const placement = new Placement(image.width, image.height, preprocessingOf(info))
  const shrink = Math.min(1, MOST_CELLS / Math.max(image.width, image.height))
  const [columns, rows] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * shrink)))
  return findings.map(({ label, probability, calibrated }, i) => {
    const evidence = evidenceOf(explained.heatmaps[i], explained.resolution)
    const top = topOf([evidence], explained.resolution)
    // An empty map over the image would pass for a finding without a place.
    if (!(top > 0)) return { label, objects: null }
    const heatmap: LabelHeatmap = {
      label,
      probability: calibrated ?? probability,
      views,
      method,
      shape: [rows, columns],
      // What the model saw nothing of speaks for nothing.
      values: placement
        .ontoImage(evidence, columns, rows)
        .map((value) => (value > 0 ? Math.min(1, value / top) : 0)),
    }
    const objects = {
      sc: secondaryCapture(maker, { source, frame, image, heatmap }),
      pm: parametricMap(maker, { source, frame, heatmap }),
    }
    return { label, objects }
  })
}
