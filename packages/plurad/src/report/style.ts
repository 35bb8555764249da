import { asVariables, DARK, LIGHT } from './palette.js'

/** The report's style sheet: a page that reads on a wide screen, a telephone, in the dark and on paper. */
export const STYLE = `
:root {
  color-scheme: light;
  LIGHT
}
@media screen { :root[data-theme='dark'] { DARK } }
@media screen and (prefers-color-scheme: dark) {
  :root:not([data-theme='light']) { DARK }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto;
  padding: 56px 40px 72px;
  max-width: 1120px;
  background: var(--page);
  color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, p, dl, figure, ul { margin: 0; }
h1 { font-size: 32px; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 19px; line-height: 1.3; font-weight: 650; letter-spacing: -0.005em; }
a { color: inherit; text-decoration-color: var(--rule); text-underline-offset: 3px; }
.eyebrow { color: var(--muted); font-size: 13px; display: flex; justify-content: space-between; gap: 16px; margin-bottom: 10px; }
.facts { color: var(--muted); margin-top: 8px; overflow-wrap: anywhere; }
nav { margin-top: 20px; display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; }
nav a { color: var(--muted); text-decoration: none; }
nav a:hover { color: var(--ink); text-decoration: underline; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
button:focus-visible, a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--test); outline-offset: 3px; border-radius: 2px; }

.headline { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 24px 32px; margin-top: 36px; padding-top: 24px; border-top: 1px solid var(--rule); }
.headline dt, .splits dt { color: var(--muted); font-size: 13px; }
.headline > div { display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; }
.headline { grid-template-rows: auto auto auto; row-gap: 0; }
.headline dt { align-self: end; }
.headline dd { margin: 0; }
.headline .value { font-size: 52px; line-height: 1.15; font-weight: 600; letter-spacing: -0.03em; }
.headline .under { color: var(--muted); font-size: 13px; }
.headline .under b { display: block; color: var(--ink); font-size: 15px; font-weight: 550; }
.splits { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 16px 32px; margin-top: 28px; }
.splits dd { margin: 0; font-weight: 550; }
.splits dd span { color: var(--muted); font-weight: 400; }
.splits .part { border-top: 3px solid var(--of); padding-top: 8px; }
.share { display: flex; gap: 2px; height: 8px; margin-top: 28px; }
.share i { flex: var(--share) 1 0; min-width: 2px; background: var(--of); border-radius: 1px; }

section { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--rule); }
.lead { max-width: 46em; margin-top: 12px; }
.lead p + p, .lead ul { margin-top: 10px; }
.lead ul { padding-left: 1.2em; }
.note { color: var(--muted); font-size: 13.5px; max-width: 54em; margin-top: 6px; }
.warning { border-left: 3px solid var(--val); padding: 2px 0 2px 14px; color: var(--warn); }
.note + .warning { margin-top: 12px; max-width: 54em; }
.key { display: inline-block; width: 14px; height: 3px; border-radius: 2px; background: var(--of); vertical-align: middle; margin-right: 5px; }
svg { display: block; max-width: 100%; height: auto; font-family: inherit; }
figure { min-width: 0; }
figcaption { font-size: 14px; font-weight: 600; margin-bottom: 4px; }
section h3 { margin: 32px 0 0; font-size: 15px; font-weight: 600; line-height: 1.4; }
section h3 small { font-size: 13px; font-weight: 400; color: var(--muted); margin-left: 6px; }
figcaption small { font-size: 13px; font-weight: 400; color: var(--muted); margin-left: 8px; white-space: nowrap; }
.scroll { overflow-x: auto; margin-top: 20px; padding-bottom: 6px; }
.scroll svg { max-width: none; }
.level { display: grid; min-width: 900px; }
.level svg { width: 100%; }
.level figure:not(:first-child) figcaption { padding-left: 2%; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 310px), 1fr)); gap: 28px 20px; margin-top: 20px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 28px 20px; margin-top: 20px; }
.two svg { width: 100%; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 24px 12px; margin-top: 20px; }
.panels figcaption { display: flex; justify-content: space-between; gap: 8px; padding: 0 8px 0 40px; max-width: 198px; font-size: 13px; line-height: 1.35; align-items: end; min-height: 2.7em; }
.panels figcaption span { overflow-wrap: anywhere; }
.panels figcaption b { font-weight: 600; color: var(--test); }
.panels figcaption span { font-weight: 500; }

table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 7px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 500; color: var(--muted); font-size: 13px; vertical-align: bottom; }
th button { text-align: inherit; }
th button:hover { color: var(--ink); }
th[aria-sort='ascending'] button::after { content: ' ↑'; }
th[aria-sort='descending'] button::after { content: ' ↓'; }
tbody th, tfoot th { font-weight: 400; color: var(--ink); font-size: 14px; vertical-align: top; }
tfoot th { font-weight: 600; border-bottom: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; overflow-wrap: anywhere; min-width: 130px; }
.scroll th:first-child { position: sticky; left: 0; background: var(--page); }
td:last-child, th:last-child { padding-right: 0; }
th small { color: var(--muted); font-size: 12.5px; font-weight: 400; }
tbody th > small { display: block; }
td small.interval { display: block; font-weight: 400; font-size: 12px; }
table.narrow { width: auto; }
table.narrow th:last-child, table.narrow td:last-child { padding-right: 10px; }
td small { color: var(--muted); font-size: 12.5px; }
td small.share-of { display: inline-block; min-width: 3.4em; }
td .bar { display: block; width: 72px; height: 3px; margin: 3px 0 0 auto; background: var(--rule); border-radius: 2px; overflow: hidden; }
td .bar i { display: block; height: 100%; width: calc(100% * var(--share)); background: var(--test); border-radius: 2px; }
tfoot td { font-weight: 600; border-bottom: 0; }

.prints dd { font: 13px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 28px 24px; margin-top: 14px; }
.case .shots { display: flex; gap: 2px; height: 200px; background: #000; border-radius: 3px; overflow: hidden; justify-content: center; align-items: center; }
.case .shots img { display: block; min-width: 0; flex: 1 1 0; height: 100%; object-fit: contain; }
.case .shots span { color: #98a4ad; font-size: 12.5px; }
.case figcaption { display: flex; justify-content: space-between; gap: 8px; margin: 8px 0 0; }
.case figcaption b { font-weight: 600; color: var(--test); }
.case figcaption span { overflow-wrap: anywhere; }
.case .truth, .case .id { color: var(--muted); font-size: 12.5px; line-height: 1.4; overflow-wrap: anywhere; }
.case ul { list-style: none; margin: 6px 0 0; padding: 0; font-size: 12.5px; line-height: 1.3; }
.case li { display: grid; grid-template-columns: 1.2em minmax(0, 1fr) auto; gap: 2px 4px; padding: 3px 0; background: linear-gradient(var(--test), var(--test)) 0 100% / calc(100% * var(--share)) 2px no-repeat, linear-gradient(var(--rule), var(--rule)) 0 100% / 100% 2px no-repeat; }
.case li span { overflow-wrap: anywhere; }
.case li b { font-weight: inherit; }
.case li.called { font-weight: 650; }
.case li i { font-style: normal; }
.case .yes { color: var(--good); }
.case .no { color: var(--bad); }

details { margin-top: 14px; }
summary { cursor: pointer; font-weight: 550; }
pre { margin: 12px 0 0; padding: 14px 16px; background: var(--soft); border-radius: 6px; font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; overflow-x: auto; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
.pairs { display: grid; grid-template-columns: minmax(120px, max-content) minmax(0, 1fr); gap: 4px 24px; margin-top: 12px; font-size: 14px; }
.pairs dt { color: var(--muted); }
.pairs dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 56px; padding-top: 16px; border-top: 1px solid var(--rule); color: var(--muted); font-size: 13px; }

@media (max-width: 640px) {
  body { padding: 28px 20px 48px; }
  h1 { font-size: 25px; }
  .headline, .splits { column-gap: 16px; }
  .headline .value { font-size: 32px; }
  .splits dd span { display: block; }
  section { margin-top: 40px; }
  .panels { grid-template-columns: repeat(auto-fill, minmax(156px, 1fr)); gap: 20px 8px; }
  .panels figcaption { padding-left: 0; }
  .cases { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 22px 14px; }
  .case .shots { height: 150px; }
  .case figcaption { font-size: 12.5px; }
  .pairs { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .pairs dd { margin-bottom: 8px; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav, [data-theme-switch] { display: none; }
  section { margin-top: 28px; }
  h2, .note, .lead { break-after: avoid; }
  figure, tr, .headline, .splits { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  .scroll svg { max-width: 100%; }
  .level { min-width: 0; }
  .panels { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .cases { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 18px 14px; }
  .case .shots { height: 130px; }
  .case .shots, .case li, .bar, .bar i, .share i, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h3 { break-after: avoid; }
  .note { break-inside: avoid; }
  .scroll th:first-child { position: static; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  th, td { padding: 4px 6px; }
}
`
  .replaceAll('LIGHT', asVariables(LIGHT))
  .replaceAll('DARK', `color-scheme: dark; ${asVariables(DARK)}`)
