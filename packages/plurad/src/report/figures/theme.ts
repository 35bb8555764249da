import type { Config } from 'vega-lite'
import { printable } from '../html.js'

/**
 * Colours of the figures: CSS variables of the page, so that one SVG serves the light and the dark page
 * and print. Splits have one colour each throughout the report (Okabe-Ito blue and orange, and a grey: told
 * apart by people with any colour vision, and in grey print by lightness).
 */
export const colour = {
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  rule: 'var(--rule)',
  train: 'var(--train)',
  val: 'var(--val)',
  test: 'var(--test)',
  page: 'var(--page)',
  good: 'var(--good)',
  bad: 'var(--bad)',
  head: 'var(--head)',
  medium: 'var(--medium)',
  tail: 'var(--tail)',
} as const

/** Size of axis text in CSS pixels; figures are shown at about their own size. */
const FONT_SIZE = 11

/** What all figures share. Sizes and padding are the figure's own: nothing is measured, as there is no screen. */
export const config: Config = {
  aria: false,
  font: 'inherit',
  background: 'transparent',
  view: { stroke: null },
  axis: {
    domain: false,
    ticks: false,
    grid: true,
    gridColor: colour.rule,
    labelColor: colour.muted,
    labelFontSize: FONT_SIZE,
    labelFontWeight: 'normal',
    labelLimit: 0,
    labelPadding: 6,
    titleColor: colour.muted,
    titleFontSize: FONT_SIZE,
    titleFontWeight: 'normal',
    titlePadding: 8,
  },
  line: { strokeWidth: 1.75, strokeJoin: 'round', strokeCap: 'round' },
  text: { fontSize: FONT_SIZE, color: colour.ink },
}

/** About how wide a text is, in CSS pixels: wide letters of a sans serif average 0.56 of their size. */
export function textWidth(text: string, fontSize = FONT_SIZE): number {
  return Math.ceil([...text].length * fontSize * 0.56)
}

/**
 * Labels as an axis shows them: shortened, and told apart where that made two alike. They go to Vega as
 * data, never into an expression, as a label may hold anything.
 */
export function axisNames(labels: readonly string[], limit = 28): string[] {
  const taken = new Set<string>()
  return labels.map((label) => {
    const letters = [...printable(label)]
    const short = letters.length <= limit ? letters.join('') : `${letters.slice(0, limit - 1).join('')}…`
    let name = short
    for (let n = 2; taken.has(name); n++) name = `${short} (${n})`
    taken.add(name)
    return name
  })
}
