/** A preview as one picture. */
import type { OverlayOptions } from 'sharp'
import { escapeHtml } from '../../report/html.js'
import type { Cell, Preview } from './preview-sections.js'

/** Height of a cell's picture, pixels. */
const HEIGHT = 176
const GAP = 8
const MARGIN = 24
/** Room for a row's name. */
const NAMES = 200
const HEADING = 44
const CAPTION = 18
/** Characters that fit into `NAMES` pixels of small text. */
const NAME_LENGTH = 30

interface Text {
  x: number
  y: number
  size: number
  weight: number
  colour: string
  text: string
}

const INK = '#d8dde2'
const MUTED = '#98a2ac'
const PAGE = { r: 16, g: 18, b: 20 }

export async function previewSheet({ title, facts, sections }: Preview): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const texts: Text[] = [
    { x: MARGIN, y: MARGIN + 18, size: 20, weight: 600, colour: INK, text: title },
    { x: MARGIN, y: MARGIN + 40, size: 13, weight: 400, colour: MUTED, text: facts },
  ]
  const pictures: OverlayOptions[] = []
  const place = async ({ png, caption }: Cell, left: number, top: number): Promise<number> => {
    const scaled = sharp(png).resize({ height: HEIGHT, kernel: 'linear' }).toColourspace('srgb')
    const { data, info } = await scaled.png().toBuffer({ resolveWithObject: true })
    pictures.push({ input: data, left, top })
    const fits = Math.floor(info.width / 6)
    const text = caption.length > fits ? `${caption.slice(0, fits - 1)}…` : caption
    texts.push({ x: left, y: top + HEIGHT + 13, size: 11, weight: 400, colour: MUTED, text })
    return left + info.width + GAP
  }
  let top = MARGIN + 52
  let right = 0
  for (const section of sections) {
    texts.push({ x: MARGIN, y: top + 28, size: 15, weight: 600, colour: INK, text: section.title })
    top += HEADING
    for (const row of section.rows) {
      texts.push({ x: MARGIN, y: top + 14, size: 13, weight: 600, colour: INK, text: row.title })
      broken(row.detail).forEach((text, line) =>
        texts.push({ x: MARGIN, y: top + 32 + 15 * line, size: 11, weight: 400, colour: MUTED, text }),
      )
      let left = MARGIN + NAMES
      for (const cell of row.cells) left = await place(cell, left, top)
      right = Math.max(right, left)
      top += HEIGHT + CAPTION + GAP
    }
  }
  const width = Math.max(right - GAP + MARGIN, 640)
  const height = top + MARGIN
  const overlay = { input: Buffer.from(svg(texts, width, height)), left: 0, top: 0 }
  const canvas = sharp({ create: { width, height, channels: 3, background: PAGE } })
  return canvas
    .composite([...pictures, overlay])
    .png()
    .toBuffer()
}

/** Lines of at most `NAME_LENGTH` characters, broken at spaces. */
function broken(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < NAME_LENGTH)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function svg(texts: readonly Text[], width: number, height: number): string {
  const lines = texts.map(
    ({ x, y, size, weight, colour, text }) =>
      `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${colour}">${escapeHtml(text)}</text>`,
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif">${lines.join('')}</svg>`
  )
}
