import { auc, labelColumns, rocCurve } from '../../metrics/index.js'
import type { Predictions } from '../../metrics/predictions.js'
import { rocFigure } from '../figures/roc.js'
import { colour } from '../figures/theme.js'
import { formatScore } from '../format.js'
import { breakable, html, type Html } from '../html.js'
import { SPLIT_NAMES } from './header.js'

/** A ROC curve a label, computed from the stored predictions. */
export async function rocSection(split: 'val' | 'test', predictions: Predictions): Promise<Html> {
  const panels: Html[] = []
  for (const column of labelColumns(predictions)) {
    const curve = rocCurve(column)
    if (!curve) continue
    const area = auc(column)
    panels.push(
      html`<figure>
        <figcaption><span>${breakable(column.label)}</span><b>${formatScore(area)}</b></figcaption>
        ${await rocFigure(column.label, area, curve, colour[split])}
      </figure>`,
    )
  }
  const left = predictions.labels.length - panels.length
  return html`<p class="note">
      ${SPLIT_NAMES[split]} split; the number is the area under the curve. The dotted line is chance.
      ${left > 0 && `Labels without both classes have no curve: ${left} left out.`}
    </p>
    <div class="panels">${panels}</div>`
}
