import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { trusted, escapeHtml, type Html } from '../html.js'
import { config } from './theme.js'

/**
 * Draws a Vega-Lite specification as SVG to be put in the page. No screen and no network: data come with
 * the specification, and nothing is loaded.
 *
 * @param description What the figure shows, for people who do not see it.
 */
export async function renderSvg(spec: TopLevelSpec, description: string): Promise<Html> {
  const compiled = compile({ ...spec, config: { ...config, ...spec.config } }).spec
  const view = new View(parse(compiled), { renderer: 'none' })
  try {
    return trusted(forPage(await view.toSVG(), description))
  } finally {
    view.finalize()
  }
}

/** Leaves out what SVG needs only as a file of its own, and digits that no screen shows. */
function forPage(svg: string, description: string): string {
  const attributes = /^<svg [^>]*?(width="[^"]+" height="[^"]+" viewBox="[^"]+")>/.exec(svg)
  const size = attributes?.[1] ?? ''
  const content = svg
    .slice(attributes?.[0].length ?? 0)
    .replace(/ (role|aria-roledescription|pointer-events|aria-hidden)="[^"]*"/g, '')
    .replace(/ (opacity|stroke-width)="1"/g, '')
    .replace(/<path class="(background|foreground)"[^>]*\/>/g, '')
    .replace(/ (d|transform)="([^"]*)"/g, (_, name: string, value: string) => ` ${name}="${rounded(value)}"`)
  return `<svg role="img" aria-label="${escapeHtml(description)}" ${rounded(size)}>${content}`
}

/** Numbers of more than two decimals, cut to two: a hundredth of a pixel. */
function rounded(numbers: string): string {
  return numbers.replace(/\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))))
}
