/** A preview as a page that needs nothing but itself. */
import { html, trusted } from '../../report/html.js'
import type { Cell, Preview, Section } from './preview-sections.js'

// Dark, as the rooms are in which such pictures are read.
const STYLE = `
:root { color-scheme: dark; }
body { margin: 0; padding: 32px; background: #101214; color: #d8dde2; font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 22px; font-weight: 600; margin: 0; }
h2 { font-size: 16px; font-weight: 600; margin: 40px 0 8px; padding-top: 16px; border-top: 1px solid #2b3036; }
.facts { color: #98a2ac; margin: 4px 0 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-spacing: 6px; margin-left: -6px; }
th { text-align: left; font-weight: 400; vertical-align: top; min-width: 150px; max-width: 190px; padding: 4px 14px 0 0; }
th b { display: block; font-weight: 600; }
th span, figcaption { color: #98a2ac; font-size: 12px; }
td { padding: 0; vertical-align: top; }
td:nth-child(2) { padding-right: 14px; }
figure { margin: 0; }
img { display: block; height: 200px; background: #000; }
figcaption { max-width: 200px; min-height: 18px; }
`

function figure({ png, caption }: Cell) {
  const source = `data:image/png;base64,${png.toString('base64')}`
  return html`<td>
    <figure>
      <img src="${source}" alt="${caption}" />
      <figcaption>${caption}</figcaption>
    </figure>
  </td>`
}

function section({ title, rows }: Section) {
  return html`<section>
    <h2>${title}</h2>
    <div class="scroll">
      <table>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row"><b>${row.title}</b><span>${row.detail}</span></th>
              ${row.cells.map(figure)}
            </tr>`,
        )}
      </table>
    </div>
  </section>`
}

export function previewPage({ title, facts, sections }: Preview): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        <p class="facts">${facts}</p>
        ${sections.map(section)}
      </body>
    </html>`.text
}
