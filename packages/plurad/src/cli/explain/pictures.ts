/** Pictures of explanations, for `plurad explain` and `plurad predict --heatmaps`. */
import { decodeImage } from '../../data/formats/decode.js'
import { makeFolder } from '../../files.js'
import { boxesByLabel, type BoxRow } from '../../explain/localisation/boxes.js'
import type { Explained, Unexplained } from '../../explain/explained.js'
import type { Rectangle } from '../../explain/placement.js'
import { FileNames, writeExplanation, type WriteOptions, type Written } from '../../explain/render/write.js'
import { bar, Progress } from '../progress.js'
import { explainItems, type ExplainRequest } from './engine.js'

export interface PictureOptions extends Pick<WriteOptions, 'folder' | 'raw' | 'shared' | 'side'> {
  /** Boxes of readers, to be drawn where the image has some, and the side of the image that they were drawn on. */
  boxes?: {
    of: (image: string) => readonly BoxRow[]
    scaleFor: (width: number, height: number) => [number, number]
  }
}

export interface Pictures {
  written: Written[]
  unexplained: Unexplained[]
  /** What a user should know of the maps. */
  notes: string[]
}

/** A map with fewer positions along a side says hardly more than which quarter of the image. */
const COARSE = 7

/** Explains images and writes what was found into a folder, which is made. */
export async function writePictures(request: ExplainRequest, options: PictureOptions): Promise<Pictures> {
  makeFolder(options.folder)
  const names = new FileNames()
  const written: Written[] = []
  const unexplained: Unexplained[] = []
  const notes = new Set<string>()
  const paths = new Map(request.items.map(({ image, path }) => [image, path]))
  const progress = new Progress({ quiet: request.items.length === 1 })
  await explainItems(request, {
    onExplained: async (explained, { info, method, title, unit }) => {
      const image = await decodeImage(paths.get(explained.image) ?? explained.image, info.window)
      const boxes = boxesOf(explained, info.labels, options)
      written.push(
        await writeExplanation(explained, image, info, names.of(explained.image), {
          folder: options.folder,
          raw: options.raw,
          shared: options.shared,
          side: options.side,
          method,
          title,
          unit,
          ...(boxes === null ? {} : { boxes }),
        }),
      )
      for (const note of notesOn(explained, info.size)) notes.add(note)
      const done = written.length + unexplained.length
      progress.update(`Explaining ${bar(done / request.items.length)} ${done}/${request.items.length}`)
    },
    onUnexplained: (each) => unexplained.push(each),
  })
  progress.clear()
  return { written, unexplained, notes: [...notes] }
}

function boxesOf(
  { image, width, height, labels: explained }: Explained,
  labels: readonly string[],
  { boxes }: PictureOptions,
): Rectangle[][] | null {
  if (boxes === undefined) return null
  const found = boxesByLabel(boxes.of(image), labels)
  const [across, down] = boxes.scaleFor(width, height)
  return explained.map((label) =>
    (found.get(label) ?? []).map((box) => ({
      x: box.x * across,
      y: box.y * down,
      width: box.width * across,
      height: box.height * down,
    })),
  )
}

/** Sentences on what limits a picture. */
function notesOn({ heatmaps, resolution, stage, completeness = [] }: Explained, size: number): string[] {
  const notes: string[] = []
  const [first] = heatmaps
  if (resolution === 'map' && first !== undefined && Math.min(...first.shape) < COARSE) {
    const finer = stage === null || stage < 2 ? '' : `, --method layer-cam --stage ${stage - 1} has more`
    notes.push(
      `The map has ${first.shape.join(' x ')} positions for ${size} x ${size} pixels: it shows a region, not an outline` +
        `${finer}; --method integrated-gradients looks at pixels.`,
    )
  }
  const away = completeness.filter(
    ({ sum, difference }) => Math.abs(sum - difference) > 0.01 * Math.max(0.1, Math.abs(difference)),
  )
  if (away.length > 0)
    notes.push(
      'The values of integrated gradients are more than 1 % away from the difference that they should sum to: give more ' +
        'points with --with most_steps=4096.',
    )
  return notes
}
