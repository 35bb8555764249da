/** What the pages of a data set need beside the common style sheet. */
export const DATA_STYLE = `
:root { --error: #b3261e; }
@media screen { :root[data-theme='dark'] { --error: #f2877f; } }
@media screen and (prefers-color-scheme: dark) { :root:not([data-theme='light']) { --error: #f2877f; } }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; color: var(--muted); font-size: 13.5px; margin-top: 10px; }
.contact { margin-top: 24px; }
.contact h3 { margin: 0 0 8px; font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }
.contact h3 small { font-weight: 400; color: var(--muted); font-size: 13px; margin-left: 6px; }
.pictures { display: flex; flex-wrap: wrap; gap: 10px; }
.pictures figure { width: min(112px, calc((100% - 20px) / 3)); }
.pictures img { display: block; width: 112px; height: 112px; object-fit: contain; background: #000; border-radius: 3px; }
.pictures figure img { width: 100%; height: auto; aspect-ratio: 1; }
.pictures figcaption { font-size: 11.5px; font-weight: 400; line-height: 1.35; color: var(--muted); margin: 4px 0 0; overflow-wrap: anywhere; }
.finding { margin-top: 26px; padding-left: 16px; border-left: 3px solid var(--of); }
.finding h3 { margin: 0; font-size: 16px; font-weight: 600; overflow-wrap: anywhere; }
.finding h3 span { color: var(--of); margin-right: 8px; }
.finding ul { margin: 8px 0 0; padding-left: 1.2em; font-size: 14px; overflow-wrap: anywhere; }
.finding .pictures { margin-top: 12px; gap: 14px 24px; }
.finding .group { display: flex; gap: 4px; flex-wrap: wrap; }
.plain { margin: 12px 0 0; padding-left: 1.2em; font-size: 14px; }
@media print {
  .contact, .finding { break-inside: avoid; }
  .pictures .group img { width: 84px; height: 84px; }
  .pictures figure { width: 84px; }
}
`
