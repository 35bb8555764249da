import type { Figure } from '../figures/figure.js'
import { trainingFigure } from '../figures/training.js'
import { formatCount, formatList } from '../format.js'
import { html, type Html } from '../html.js'
import type { TrainingStage } from '../load.js'
import { pairGrid } from '../parts.js'

/** Loss, validation metrics and learning rate over the epochs of all stages. */
export async function trainingSection(
  stages: readonly TrainingStage[],
): Promise<{ body: Html; figures: Figure[] }> {
  const speeds = stages
    .flatMap(({ epochs }) => epochs.map((epoch) => epoch.images_per_second))
    .filter((speed) => typeof speed === 'number')
  const speed = speeds.sort((a, b) => a - b)[Math.floor(speeds.length / 2)]
  const figure = await trainingFigure(stages)
  const key = (split: 'train' | 'val', name: string) =>
    html`<small><i class="key" style="--of: var(--${split})"></i>${name}</small>`
  const panels = figure.panels.map(({ title, svg }, i) => ({
    title: html`${title} ${i === 0 && key('train', 'training')} ${i < 3 && key('val', 'validation')}`,
    svg,
  }))
  const body = html`<p class="note">
      The mark is the epoch whose weights were kept${keptWords(stages)}.
      ${stages.length > 1 && 'An upright line is where a stage begins.'}
      ${speed !== undefined && `${formatCount(Math.round(speed))} images per second in training (median epoch).`}
    </p>
    ${pairGrid(panels)}`
  return { body, figures: [figure] }
}

/** `: epoch 7 of 1-supervised and epoch 2 of 2-crt`, as the axis counts over all stages. */
function keptWords(stages: readonly TrainingStage[]): string {
  const kept = stages.flatMap(({ name, kept: epoch }) =>
    name === null || epoch === null ? [] : [`epoch ${epoch.epoch} of ${name}`],
  )
  return kept.length === 0 ? '' : `: ${formatList(kept)}`
}
