import type { Figure } from '../figures/figure.js'
import { normsFigure } from '../figures/norms.js'
import { formatScore } from '../format.js'
import { html, type Html } from '../html.js'
import type { ClassifierNorms } from '../load.js'

/** Whether training the classifier on its own made it treat labels alike. */
export async function normsSection(norms: ClassifierNorms): Promise<{ body: Html; figures: Figure[] }> {
  const figure = await normsFigure(norms)
  const key = (name: string, of: 'train' | 'test') =>
    html`<i class="key" style="--of: var(--${of})"></i>${name} (spread
      ${formatScore(spread(name === 'before' ? norms.before : norms.after))})`
  const body = html`<p class="note">
      L2 norm of the classifier’s row of each label, labels from the most frequent in training to the rarest:
      ${key('before', 'train')} and ${key('after', 'test')} the classifier was trained on its own. Norms that
      fall with the frequency favour the head. The spread is the standard deviation over the mean.
    </p>
    <figure class="scroll" tabindex="0">${figure.panels[0].svg}</figure>`
  return { body, figures: [figure] }
}

function spread(norms: readonly number[]): number | null {
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length
  if (!(mean > 0)) return null
  return Math.sqrt(norms.reduce((sum, norm) => sum + (norm - mean) ** 2, 0) / norms.length) / mean
}
