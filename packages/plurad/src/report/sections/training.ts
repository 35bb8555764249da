import { learningRateFigure, lossFigure, validationFigure } from '../figures/training.js'
import { formatCount } from '../format.js'
import { html, type Html } from '../html.js'
import type { Epoch } from '../history.js'

/** Loss, validation AUC and learning rate over the epochs. */
export async function trainingSection(epochs: readonly Epoch[]): Promise<Html> {
  const speeds = epochs.map((epoch) => epoch.images_per_second).filter((speed) => typeof speed === 'number')
  const speed = speeds.sort((a, b) => a - b)[Math.floor(speeds.length / 2)]
  const key = (split: 'train' | 'val', name: string) =>
    html`<small><i class="key" style="--of: var(--${split})"></i>${name}</small>`
  return html`${speed !== undefined && html`<p class="note">${formatCount(Math.round(speed))} images per second in training (median epoch).</p>`}
    <div class="three">
      <figure>
        <figcaption>Loss ${key('train', 'training')} ${key('val', 'validation')}</figcaption>
        ${await lossFigure(epochs)}
      </figure>
      <figure>
        <figcaption>Macro AUC ${key('val', 'validation')}</figcaption>
        ${await validationFigure(epochs)}
      </figure>
      <figure>
        <figcaption>Learning rate</figcaption>
        ${await learningRateFigure(epochs)}
      </figure>
    </div>`
}
