import type { Evaluated } from '../evaluated.js'
import { precisionRecallFigure, rocFigure, type LabelCurves } from '../figures/curves.js'
import type { Figure } from '../figures/figure.js'
import { colour } from '../figures/theme.js'
import { html, type Html } from '../html.js'
import { panelGrid } from '../parts.js'
import { splitWords } from '../words.js'

/** Curves of every label that has both classes, with their bands; null where there are no predictions. */
export async function rocSection(evaluated: Evaluated): Promise<{ body: Html; figures: Figure[] } | null> {
  const labels = curvesOf(evaluated)
  if (labels === null) return null
  const figure = await rocFigure(labels, colourOf(evaluated))
  const body = html`<p class="note">
      ${capital(splitWords(evaluated))}; the number is the area under the curve, the dotted line chance.
      ${bandWords(evaluated, 'true positive rate', 'false positive rate')} ${leftOut(evaluated, labels)}
    </p>
    ${panelGrid(figure.panels)}`
  return { body, figures: [figure] }
}

export async function precisionRecallSection(
  evaluated: Evaluated,
): Promise<{ body: Html; figures: Figure[] } | null> {
  const labels = curvesOf(evaluated)
  if (labels === null) return null
  const figure = await precisionRecallFigure(labels, colourOf(evaluated))
  const body = html`<p class="note">
      ${capital(splitWords(evaluated))}; the number is the average precision, the dotted line what a useless
      model has, the share of positives. ${bandWords(evaluated, 'precision', 'recall')}
      ${leftOut(evaluated, labels)}
    </p>
    ${panelGrid(figure.panels)}`
  return { body, figures: [figure] }
}

export function colourOf({ split }: Evaluated): string {
  return split === 'val' ? colour.val : colour.test
}

function curvesOf({ measured }: Evaluated): LabelCurves[] | null {
  if (measured === null) return null
  return measured.columns.flatMap((column, c) => {
    const bands = measured.bands[c]
    return bands === null ? [] : [{ column, bands }]
  })
}

function bandWords({ measured }: Evaluated, what: string, at: string): string {
  if (measured === null) return ''
  return `The band holds the ${what} at each ${at} in 95 % of samples of the patients.`
}

function leftOut({ metrics }: Evaluated, drawn: readonly LabelCurves[]): string {
  const left = metrics.labels.length - drawn.length
  return left > 0 ? `Labels without both classes have no curve: ${left} left out.` : ''
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
