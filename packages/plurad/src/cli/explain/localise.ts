/** `plurad explain RUN --boxes FILE`: how well the heatmaps point at readers' boxes. */
import type { Sample } from '../../data/dataset.js'
import { matchReferences } from '../../data/match-references.js'
import { preprocessingOf } from '../../data/preprocessing.js'
import { DataError } from '../../errors.js'
import { boxesByLabel, type BoxRow } from '../../explain/localisation/boxes.js'
import { measure } from '../../explain/localisation/measures.js'
import { summarise, type BoxedCase, type LocalisationSummary } from '../../explain/localisation/summary.js'
import { Placement, type Rectangle } from '../../explain/placement.js'
import { evidenceOf } from '../../explain/render/scale.js'
import { bar, Progress } from '../progress.js'
import { formatTable } from '../table.js'
import { explainItems, type ExplainRequest } from './engine.js'

export interface Localisation {
  method: string
  stage: number | null
  /** Boxes of labels that the model has, whose images are in the data. */
  boxes: number
  /** Boxes that the model sees nothing of, because they were cut away. */
  cut_away: number
  unreadable: { image: string; reason: string }[]
  labels: LocalisationSummary[]
}

/** Boxes of these images, however their folder is written in the table. */
export class BoxesByImage {
  readonly #rows = new Map<string, BoxRow[]>()
  readonly #names: ReadonlyMap<string, string | null>

  constructor(rows: readonly BoxRow[], images: readonly string[]) {
    for (const row of rows) this.#rows.set(row.image, [...(this.#rows.get(row.image) ?? []), row])
    const names = matchReferences(this.#rows.keys(), images)
    this.#names = new Map(images.map((image, i) => [image, names[i]]))
  }

  of(image: string): readonly BoxRow[] {
    return this.#rows.get(this.#names.get(image) ?? '') ?? []
  }
}

/**
 * @param drawnOn side of the square image that the boxes were drawn on, such as 1024; null for the images as they are
 * @throws DataError where no image has a box of one of the model's labels
 */
export async function localise(
  request: Omit<ExplainRequest, 'items'>,
  samples: readonly Sample[],
  labels: readonly string[],
  rows: readonly BoxRow[],
  drawnOn: number | null,
): Promise<Localisation> {
  const boxes = new BoxesByImage(
    rows,
    samples.map(({ image }) => image),
  )
  const boxed = samples.flatMap((sample) => {
    const found = boxesByLabel(boxes.of(sample.image), labels)
    return found.size === 0 ? [] : [{ sample, found }]
  })
  if (boxed.length === 0) {
    throw new DataError(
      `None of the ${samples.length} images has a box of a label that the model knows. The first box is of ` +
        `"${rows[0]?.image}", label "${rows[0]?.label}"; the first image is "${samples[0]?.image}".`,
    )
  }
  const byImage = new Map(boxed.map((each) => [each.sample.image, each]))
  const cases = new Map<number, BoxedCase[]>()
  const progress = new Progress({ quiet: boxed.length < 8 })
  const result: Localisation = { method: '', stage: null, boxes: 0, cut_away: 0, unreadable: [], labels: [] }
  let done = 0
  const items = boxed.map(({ sample, found }) => ({
    image: sample.image,
    path: sample.path,
    labels: { kind: 'names' as const, names: [...found.keys()].map((label) => labels[label]) },
  }))
  await explainItems(
    { ...request, items },
    {
      onExplained: (explained, { info, method }) => {
        const { sample, found } = byImage.get(explained.image) ?? boxed[0]
        const { width, height, resolution, stage } = explained
        const placement = new Placement(width, height, preprocessingOf(info))
        ;[result.method, result.stage] = [method, stage]
        explained.labels.forEach((label, i) => {
          const own = (found.get(label) ?? []).map((box) =>
            scaledBox(box, sample.image, { width, height }, drawnOn),
          )
          result.boxes += own.length
          const measured = measure(evidenceOf(explained.heatmaps[i], resolution), own, placement)
          if (measured === null) result.cut_away += own.length
          else cases.set(label, [...(cases.get(label) ?? []), { ...measured, patient: sample.patient }])
        })
        progress.update(`Explaining ${bar(++done / boxed.length)} ${done}/${boxed.length}`)
      },
      onUnexplained: (each) => result.unreadable.push(each),
    },
  )
  progress.clear()
  result.labels = labels.flatMap((label, at) => {
    const own = cases.get(at)
    return own === undefined ? [] : [summarise(label, own)]
  })
  return result
}

/** Edges that were rounded may reach a little beyond. */
const MARGIN = 0.02

function scaledBox(
  { x, y, width, height }: Rectangle,
  image: string,
  sides: { width: number; height: number },
  drawnOn: number | null,
): Rectangle {
  const across = drawnOn === null ? 1 : sides.width / drawnOn
  const down = drawnOn === null ? 1 : sides.height / drawnOn
  const box = { x: x * across, y: y * down, width: width * across, height: height * down }
  const beyond =
    box.x + box.width > sides.width * (1 + MARGIN) || box.y + box.height > sides.height * (1 + MARGIN)
  if (!beyond) return box
  throw new DataError(
    `A box of ${image} reaches to ${Math.round(box.x + box.width)}, ${Math.round(box.y + box.height)}, beyond the image of ` +
      `${sides.width} x ${sides.height} pixels. Give the side of the images that the boxes were drawn on: --box-size 1024 ` +
      "for NIH's.",
  )
}

/** A line a label. */
export function localisationTable({ labels }: Localisation): string {
  const share = (value: number): string => value.toFixed(3)
  const range = ([low, high]: readonly [number, number]): string => `${share(low)}-${share(high)}`
  const rows = labels.map(({ label, images, pointing, chance, fixed_point: fixed, energy, iou }) => [
    label,
    images,
    share(pointing.value),
    range(pointing.interval),
    share(chance),
    share(fixed),
    share(energy.value),
    range(energy.interval),
    ...iou.map(({ value }) => share(value)),
  ])
  return formatTable(
    [
      'label',
      'images',
      'pointing',
      '95 %',
      'chance',
      'fixed',
      'energy',
      '95 %',
      ...(labels[0]?.iou.map(({ threshold }) => `IoU ${threshold}`) ?? []),
    ],
    rows,
  )
}
