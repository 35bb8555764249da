/** An explanation of one image as files: the picture, and the numbers where they are wanted. */
import { basename, join } from 'node:path'
import type { DecodedImage } from '../../data/image.js'
import { preprocessingOf } from '../../data/preprocessing.js'
import { applyRange } from '../../data/value-range.js'
import { writeFileAtomic } from '../../files.js'
import type { ModelInfo } from '../../models/model-info.js'
import { calibratedScores } from '../../predict/findings.js'
import type { Completeness, Explained } from '../explained.js'
import { Placement, type Rectangle } from '../placement.js'
import { asNpy, asPng16 } from './raw.js'
import { evidenceOf, topOf } from './scale.js'
import { drawSheet } from './sheet.js'

/** Forms of the numbers: the method's own grid, or a grey picture in the size of the image. */
export const RAW_FORMS = ['npy', 'png16', 'none'] as const
export type RawForm = (typeof RAW_FORMS)[number]

export interface WriteOptions {
  folder: string
  /** As on the command line: part of the file names. */
  method: string
  /** For people: `Grad-CAM`. */
  title: string
  /** What the values are. */
  unit: string
  raw: RawForm
  /** Whether the labels share a scale; false: each has its own. */
  shared: boolean
  /** Longest side of a panel, pixels. */
  side: number
  /** Boxes that a reader drew, one list a label of the explanation. */
  boxes?: readonly (readonly Rectangle[])[]
}

/** What was written for one image; names as in JSON. */
export interface Written {
  image: string
  method: string
  stage: number | null
  picture: string
  /** Pixels of the image: where the heatmaps' edges lie in it. A letterbox reaches beyond the image. */
  heatmap_covers: Rectangle
  labels: {
    label: string
    probability: number
    calibrated: number | null
    threshold: number | null
    /** The highest value that speaks for the label. */
    highest: number
    values: string | null
    completeness?: Completeness
  }[]
}

/** Gives every image a name of its own, however many are called the same. */
export class FileNames {
  readonly #used = new Set<string>()

  /** `scans/a.dcm#3` -> `a.dcm-3`, `a.png` -> `a`; a second one `a-2`. */
  of(image: string): string {
    const plain = basename(image).replace(/\.(png|jpe?g|tiff?|dcm|npy)$/i, '')
    const safe = plain.replace(/[^\p{L}\p{N}._-]+/gu, '-')
    let name = safe
    for (let i = 2; this.#used.has(name); i++) name = `${safe}-${i}`
    this.#used.add(name)
    return name
  }
}

/**
 * Writes NAME.METHOD.png and, where numbers are wanted, NAME.METHOD.LABEL.npy or .png.
 *
 * @param image as it was decoded, before preprocessing
 * @throws RunError where a file cannot be written; what was there is whole
 */
export async function writeExplanation(
  explained: Explained,
  image: DecodedImage,
  info: ModelInfo,
  name: string,
  options: WriteOptions,
): Promise<Written> {
  const { labels, heatmaps, probabilities, resolution, stage, completeness } = explained
  const placement = new Placement(image.width, image.height, preprocessingOf(info))
  const evidence = heatmaps.map((heatmap) => evidenceOf(heatmap, resolution))
  const tops = evidence.map((each) => topOf([each], resolution))
  const top = topOf(evidence, resolution)
  const calibrated = calibratedScores(info, probabilities)
  const described = labels.map((label) => {
    const threshold = info.thresholds[label] ?? null
    const judged = calibrated?.[label] ?? probabilities[label]
    return {
      label: info.labels[label],
      probability: probabilities[label],
      calibrated: calibrated?.[label] ?? null,
      threshold,
      present: threshold !== null && judged >= threshold,
      judged,
    }
  })
  const stem = join(options.folder, `${name}.${options.method}`)
  const picture = await drawSheet(
    applyRange(image, info),
    placement,
    described.map(({ label, judged, present }, i) => ({
      title: `${label} ${judged.toFixed(3)}${present ? ' *' : ''}`,
      evidence: evidence[i],
      top: options.shared ? top : tops[i],
      boxes: options.boxes?.[i] ?? [],
    })),
    {
      title: name,
      caption: captionOf(options, stage, top),
      top: options.shared ? top : null,
      side: options.side,
      columns: 5,
    },
  )
  await writeFileAtomic(`${stem}.png`, picture)
  const written: Written['labels'] = []
  for (const [i, { label, probability, calibrated: own, threshold }] of described.entries()) {
    const values = await writeValues(`${stem}.${label.replace(/[^\p{L}\p{N}_-]+/gu, '-')}`)
    const sums = completeness?.[i]
    written.push({
      label,
      probability,
      calibrated: own,
      threshold,
      highest: tops[i],
      values,
      ...(sums === undefined ? {} : { completeness: sums }),
    })

    async function writeValues(path: string): Promise<string | null> {
      if (options.raw === 'none') return null
      const file = `${path}.${options.raw === 'npy' ? 'npy' : 'png'}`
      const numbers =
        options.raw === 'npy'
          ? asNpy(heatmaps[i])
          : await asPng16(evidence[i], placement, options.shared ? top : tops[i])
      await writeFileAtomic(file, numbers)
      return file
    }
  }
  const { size } = placement
  return {
    image: explained.image,
    method: options.method,
    stage,
    picture: `${stem}.png`,
    heatmap_covers: placement.toImage({ x: 0, y: 0, width: size, height: size }),
    labels: written,
  }
}

function captionOf({ title, unit, shared }: WriteOptions, stage: number | null, top: number): string {
  const where = stage === null ? '' : `, stage ${stage}`
  const scale = shared ? 'one scale for all labels' : 'a scale of its own for each label'
  return `${title}${where}: ${unit}, what speaks for the label; ${top > 0 ? scale : 'nothing does'}`
}
