/** Parts that several sections of a data set's pages have. */
import { html, type Html } from '../html.js'
import { barFigure, type Bar, type BarFigure } from './figures.js'

/** Names with what is said of them. */
export function pairs(facts: readonly (readonly [string, string])[]): Html {
  return html`<dl class="pairs">
    ${facts.map(
      ([name, text]) =>
        html`<dt>${name}</dt>
          <dd>${text}</dd>`,
    )}
  </dl>`
}

export interface TitledBars extends BarFigure {
  title: string
  bars: readonly Bar[]
}

/** Small figures beside each other. */
export async function barFigures(figures: readonly TitledBars[]): Promise<Html | null> {
  if (figures.length === 0) return null
  const drawn = await Promise.all(
    figures.map(
      async ({ title, bars, ...rest }) =>
        html`<figure>
          <figcaption>${title}</figcaption>
          ${await barFigure(bars, rest)}
        </figure>`,
    ),
  )
  return html`<div class="three">${drawn}</div>`
}

/** A JPEG in the page itself. */
export function pictureOf(jpeg: Uint8Array, description: string): Html {
  return html`<img
    alt="${description}"
    src="data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}"
  />`
}
