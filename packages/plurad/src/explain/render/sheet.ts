/**
 * The picture of an explanation: the image, and beside it the image under the heatmap of each label, all on one scale, with
 * the probabilities above and the scale below.
 */
import type { DecodedImage } from '../../data/image.js'
import type { Heatmap } from '../heatmap.js'
import type { Placement, Rectangle } from '../placement.js'
import { infernoAt } from './colour-map.js'
import { BOX, drawPanel, FRAME, scaledImage, type Layer, type Picture } from './picture.js'

export interface SheetPanel {
  /** Above the panel, such as a label and its probability. */
  title: string
  /** What speaks for the label. */
  evidence: Heatmap
  /** Value at the end of this panel's scale. */
  top: number
  /** Boxes that a reader drew, in pixels of the image. */
  boxes: readonly Rectangle[]
}

export interface SheetOptions {
  /** Above the image itself. */
  title: string
  /** Under the scale: which method, what its values are. */
  caption: string
  /** Value at the end of the scale; null where each panel has its own. */
  top: number | null
  /** Longest side of a panel, pixels. */
  side: number
  /** Panels in a row. */
  columns: number
}

const GAP = 12
const TITLE = 26
const LEGEND = 58
const BAR = 14
const BACKGROUND = 18
const INK = '#e8e8e8'
const FONT = "font-family=\"'DejaVu Sans', 'Liberation Sans', Arial, sans-serif\""
/** Width of a letter in that font, as a share of its size. */
const LETTER = 0.6

/** @returns a PNG */
export async function drawSheet(
  image: DecodedImage,
  placement: Placement,
  panels: readonly SheetPanel[],
  options: SheetOptions,
): Promise<Uint8Array> {
  const scale = options.side / Math.max(image.width, image.height)
  const width = Math.max(1, Math.round(image.width * scale))
  const height = Math.max(1, Math.round(image.height * scale))
  const base = scaledImage(image, width, height)
  const { seen } = placement
  const whole = seen.width > image.width - 1 && seen.height > image.height - 1
  const frame = whole ? [] : [{ box: seen, colour: FRAME }]
  const everyBox = panels.flatMap(({ boxes }) => boxes)
  const layers: (Layer & { title: string })[] = [
    { title: options.title, heatmap: null, top: 0, outlines: [...frame, ...boxed(everyBox)] },
    ...panels.map(({ title, evidence, top, boxes }) => ({
      title,
      heatmap: evidence,
      top,
      outlines: [...frame, ...boxed(boxes)],
    })),
  ]
  const columns = Math.min(options.columns, layers.length)
  const rows = Math.ceil(layers.length / columns)
  const sheet = blank(
    Math.max(columns * (width + GAP) + GAP, 360),
    rows * (height + TITLE + GAP) + GAP + LEGEND,
  )
  const texts: string[] = []
  layers.forEach((layer, i) => {
    const left = GAP + (i % columns) * (width + GAP)
    const top = GAP + Math.floor(i / columns) * (height + TITLE + GAP)
    texts.push(text(layer.title, left, top + TITLE - 9, 15, width))
    paste(sheet, drawPanel(base, width, height, placement, layer), left, top + TITLE)
    if (layer.heatmap?.values.every((value) => value === 0) === true)
      texts.push(onPicture(text('nothing speaks for it', left + 8, top + TITLE + height - 10, 12)))
  })
  texts.push(...drawLegend(sheet, sheet.height - LEGEND, options))
  const { default: sharp } = await import('sharp')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${sheet.width}" height="${sheet.height}">${texts.join('')}</svg>`
  return sharp(sheet.data, { raw: { width: sheet.width, height: sheet.height, channels: 3 } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer()
}

const boxed = (boxes: readonly Rectangle[]): Layer['outlines'] => boxes.map((box) => ({ box, colour: BOX }))

function blank(width: number, height: number): Picture {
  return { width, height, data: new Uint8Array(3 * width * height).fill(BACKGROUND) }
}

function paste(sheet: Picture, picture: Picture, left: number, top: number): void {
  for (let row = 0; row < picture.height; row++) {
    const from = 3 * row * picture.width
    sheet.data.set(
      picture.data.subarray(from, from + 3 * picture.width),
      3 * ((top + row) * sheet.width + left),
    )
  }
}

function drawLegend(sheet: Picture, at: number, { top, caption }: SheetOptions): string[] {
  const width = Math.min(320, sheet.width - 2 * GAP)
  for (let x = 0; x < width; x++) {
    const colour = infernoAt(x / (width - 1))
    for (let y = 0; y < BAR; y++)
      colour.forEach((channel, k) => {
        sheet.data[3 * ((at + y) * sheet.width + GAP + x) + k] = Math.round(255 * channel)
      })
  }
  const below = at + BAR + 14
  const half = top === null ? '' : shortNumber(top / 2)
  const end = top === null ? "each label's largest" : shortNumber(top)
  return [
    text('0', GAP, below, 11),
    text(half, GAP + width / 2, below, 11, undefined, 'middle'),
    text(end, GAP + width, below, 11, undefined, 'end'),
    text(caption, GAP, below + 20, 12, sheet.width - 2 * GAP),
  ]
}

/** Readable on light and on dark. */
function onPicture(element: string): string {
  return element.replace('<text', '<text stroke="#121212" stroke-width="3" paint-order="stroke"')
}

/** Two digits that count. */
export function shortNumber(value: number): string {
  return Number(value.toPrecision(2)).toString()
}

function text(
  content: string,
  x: number,
  y: number,
  size: number,
  room?: number,
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const fitted = room === undefined ? size : Math.max(7, Math.min(size, room / (LETTER * content.length)))
  const escaped = content.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  return `<text x="${x}" y="${y}" font-size="${fitted.toFixed(1)}" fill="${INK}" text-anchor="${anchor}" ${FONT}>${escaped}</text>`
}
