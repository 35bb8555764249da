/** Parts of a page that several sections have. */
import type { Panel } from './figures/figure.js'
import { breakable, html, type Html } from './html.js'

/** Above so many panels the others are folded. */
const MOST_OPEN = 30

/** Small panels with title and value above each; those beyond many are folded. */
export function panelGrid(panels: readonly Panel[]): Html {
  const grid = (shown: readonly Panel[]): Html =>
    html`<div class="panels">
      ${shown.map(
        ({ title, value, svg }) =>
          html`<figure>
            <figcaption><span>${breakable(title)}</span><b>${value}</b></figcaption>
            ${svg}
          </figure>`,
      )}
    </div>`
  const rest = panels.slice(MOST_OPEN)
  return html`${grid(panels.slice(0, MOST_OPEN))}
  ${
    rest.length > 0 &&
    html`<details>
      <summary>${rest.length} more labels</summary>
      ${grid(rest)}
    </details>`
  }`
}

/** Two panels a row on a wide page, one on a narrow one. */
export function pairGrid(panels: readonly { title: Html | string; svg: Html }[]): Html {
  return html`<div class="two">
    ${panels.map(
      ({ title, svg }) =>
        html`<figure>
          <figcaption>${title}</figcaption>
          ${svg}
        </figure>`,
    )}
  </div>`
}

export interface LevelPanel {
  title: Html | string
  svg: Html
  /** Of the drawing, CSS pixels. */
  width: number
}

/** Panels that share their rows: columns as wide as the drawings are to each other keep them level. */
export function levelGrid(description: string, panels: readonly LevelPanel[]): Html {
  const columns = panels.map(({ width }) => `${Math.round(width)}fr`).join(' ')
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${description}">
    <div class="level" style="grid-template-columns: ${columns}">
      ${panels.map(
        ({ title, svg }) =>
          html`<figure>
            <figcaption>${title}</figcaption>
            ${svg}
          </figure>`,
      )}
    </div>
  </div>`
}
