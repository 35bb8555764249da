import { createHash } from 'node:crypto'
import type { Figure } from './figures/figure.js'
import { html, trusted, type Html } from './html.js'
import { SCRIPT } from './script.js'
import { STYLE } from './style.js'

export interface Section {
  id: string
  title: string
  body: Html
  /** Those that are in the body, for files of their own. */
  figures?: readonly Figure[]
}

export interface Page {
  title: string
  header: Html
  sections: readonly Section[]
  footer: string
  /** Style sheet beside the common one. */
  style?: string
  /** Pictures stand in the page itself, as `data:` addresses. */
  pictures?: boolean
}

/** A whole HTML page that needs nothing else: no network, no other file, no script but the one of all pages. */
export function renderPage({ title, header, sections, footer, style = '', pictures = false }: Page): string {
  // The page may load nothing and run no script but its own, whatever a label or recipe tried to put in.
  // The hash is over all that the tag holds, white space included.
  const hash = createHash('sha256').update(SCRIPT).digest('base64')
  const policy =
    `default-src 'none'; ${pictures ? 'img-src data:; ' : ''}style-src 'unsafe-inline'; script-src 'sha256-${hash}'; ` +
    `base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <style>
          ${trusted(STYLE + style)}
        </style>
      </head>
      <body>
        ${header}
        <main>
          ${sections.map(
            ({ id, title: heading, body }) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${heading}</h2>
                ${body}
              </section>`,
          )}
        </main>
        <footer>${footer}</footer>
        ${trusted(`<script>${SCRIPT}</script>`)}
      </body>
    </html>`.text
}

/** Kind of page, name, facts and the way to the sections; what follows them is the page's own. */
export function pageHeader(
  { kind, name, facts }: { kind: string; name: string; facts: readonly string[] },
  sections: readonly Pick<Section, 'id' | 'title'>[],
  rest: Html,
): Html {
  return html`<header>
    <div class="eyebrow">
      <span>${kind}</span><button type="button" data-theme-switch hidden>Dark</button>
    </div>
    <h1>${name}</h1>
    <p class="facts">${facts.join(' · ')}</p>
    <nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
    ${rest}
  </header>`
}

/** A number to be seen at once, in a `<dl class="headline">`. */
export function largeNumber(name: string, value: string, under: Html | string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd class="value">${value}</dd>
    <dd class="under">${under}</dd>
  </div>`
}
