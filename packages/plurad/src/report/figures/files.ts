/** Figures as files: SVG for print and editing, PNG for slides, CSV to draw them otherwise. */
import { join } from 'node:path'
import { csvFormatRows } from 'd3-dsv'
import { makeFolder, writeFileAtomic } from '../../files.js'
import { escapeHtml } from '../html.js'
import { LIGHT } from '../palette.js'
import type { Figure, Panel } from './figure.js'

const FONT = `'DejaVu Sans', 'Liberation Sans', Arial, Helvetica, sans-serif`
/** Pixels of the PNG a CSS pixel. */
const SCALE = 2
/** Width at which panels go on in the next row, CSS pixels. */
const SHEET_WIDTH = 1100
const MARGIN = 12
const TITLE_HEIGHT = 26
/** librsvg draws no larger image. */
const MOST_PIXELS = 30_000

/**
 * Writes `<name>.svg`, `<name>.png` and `<name>.csv` of every figure, in the colours of the light page on white.
 *
 * @throws RunError where a file cannot be written
 */
export async function writeFigures(folder: string, figures: readonly Figure[]): Promise<void> {
  makeFolder(folder)
  const { default: sharp } = await import('sharp')
  for (const figure of figures) {
    const { svg, width, height } = sheetOf(figure)
    const scale = Math.min(SCALE, MOST_PIXELS / Math.max(width, height))
    const png = await sharp(Buffer.from(svg), { density: 72 * scale, unlimited: true })
      .png()
      .toBuffer()
    const parts: [string, string | Uint8Array][] = [
      ['svg', svg],
      ['png', png],
      ['csv', `${csvFormatRows([[...figure.columns], ...figure.rows.map((row) => row.map(cell))])}\n`],
    ]
    for (const [ending, content] of parts) {
      await writeFileAtomic(join(folder, `${figure.name}.${ending}`), content)
    }
  }
}

function cell(value: string | number | null): string {
  return value === null || Number.isNaN(value) ? '' : String(value)
}

/** All panels on one sheet that needs no style sheet and no page. */
function sheetOf({ title, panels }: Pick<Figure, 'title' | 'panels'>): {
  svg: string
  width: number
  height: number
} {
  let [x, y, rowHeight, width] = [MARGIN, MARGIN + TITLE_HEIGHT, 0, 0]
  const placed = panels.map((panel) => {
    const size = sizeOf(panel)
    const head = panel.title === '' ? 0 : TITLE_HEIGHT
    if (x > MARGIN && x + size.width > SHEET_WIDTH) [x, y, rowHeight] = [MARGIN, y + rowHeight + MARGIN, 0]
    const drawn =
      (head === 0 ? '' : panelTitle(panel, x, y + 17, size.width)) +
      panel.svg.text.replace(/^<svg [^>]*?(?=width=)/, `<svg x="${x}" y="${y + head}" `)
    x += size.width + MARGIN
    rowHeight = Math.max(rowHeight, size.height + head)
    width = Math.max(width, x)
    return drawn
  })
  const height = y + rowHeight + MARGIN
  const all =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${FONT}" fill="${LIGHT.ink}"><title>${escapeHtml(title)}</title>` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>` +
    `<text x="${MARGIN}" y="${MARGIN + 14}" font-size="15" font-weight="600">${escapeHtml(title)}</text>${placed.join('')}</svg>\n`
  return { svg: inLight(all), width, height }
}

function panelTitle({ title, value }: Panel, x: number, y: number, width: number): string {
  const text = (at: number, anchor: string, weight: number, words: string): string =>
    `<text x="${at}" y="${y}" font-size="12" font-weight="${weight}" text-anchor="${anchor}">${escapeHtml(words)}</text>`
  return (
    text(x + 4, 'start', 600, title) + (value === undefined ? '' : text(x + width - 8, 'end', 400, value))
  )
}

function sizeOf({ svg }: Panel): { width: number; height: number } {
  const [, width = '0', height = '0'] = /^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(svg.text) ?? []
  return { width: Number(width), height: Number(height) }
}

/** Editors and slides know no variables. */
function inLight(svg: string): string {
  return svg
    .replace(/var\(--([a-z-]+)\)/g, (whole, name: string) => LIGHT[name as keyof typeof LIGHT] ?? whole)
    .replace(/font-family="inherit"/g, `font-family="${FONT}"`)
    .replace(/font-family: inherit/g, `font-family: ${FONT}`)
}
