import { chooseCases, type Case } from '../cases/choose.js'
import { readPictures, type NoPictures, type PictureSource } from '../cases/pictures.js'
import type { Measured, Evaluated } from '../evaluated.js'
import { formatScore } from '../format.js'
import { breakable, html, trusted, type Html } from '../html.js'

export interface CaseOptions {
  /** Where the pixels are, or why there are none. */
  pictures: PictureSource | NoPictures
  /** Images and patients are named. */
  withIds: boolean
}

/** Cases of a kind. */
const EACH = 8
/** Predictions shown of a case: the highest, and the label that it stands for. */
const SHOWN = 3

/** Images that show best what the model can and cannot do, with truth and predictions (figure 4 of the LDRNet paper). */
export async function casesSection(evaluated: Evaluated, options: CaseOptions): Promise<Html | null> {
  const { measured, trainingCounts } = evaluated
  if (measured === null) return null
  const { predictions, columns } = measured
  const counts = trainingCounts ?? columns.map(({ positives }) => positives)
  const order = counts.map((_, c) => c).sort((a, b) => counts[a] - counts[b] || a - b)
  const cases = chooseCases(predictions, order, EACH)
  const kinds = [
    {
      title: 'Found best',
      of: cases.found,
      note: 'the number is the share of images without it that score lower.',
    },
    {
      title: 'Lowest with the finding',
      of: cases.missed,
      note: 'the number is the share of images without it that score lower.',
    },
    {
      title: 'Highest without the finding',
      of: cases.falseAlarms,
      note: 'the number is the share of images with it that score lower.',
    },
  ].filter(({ of }) => of.length > 0)
  if (kinds.length === 0) return null
  const images = kinds.flatMap(({ of }) => of.map(({ row }) => predictions.images[row]))
  const without = 'reason' in options.pictures ? options.pictures.reason : null
  const pictures = 'reason' in options.pictures ? null : await readPictures(images, options.pictures)
  return html`<p class="note">
      One image a label, the rarest in training first, chosen by its rank for that label; each image once and,
      as far as there are others, each patient once. ✓ is a finding that is there, ✗ one that is not; bold is
      called present at the label’s threshold.
    </p>
    ${without !== null && html`<p class="warning">No pictures: ${without}</p>`}
    ${kinds.map(
      ({ title, of, note }) =>
        html`<h3>${title} <small>${note}</small></h3>
          <div class="cases">${of.map((one) => card(one, measured, pictures, options))}</div>`,
    )}`
}

function card(
  { row, label, placement }: Case,
  { predictions, columns }: Measured,
  pictures: ReadonlyMap<string, readonly string[]> | null,
  { withIds }: CaseOptions,
): Html {
  const { labels, images, patients, scores, truth } = predictions
  const width = labels.length
  const of = (c: number) => ({
    c,
    score: scores[row * width + c],
    present: truth[row * width + c],
    threshold: columns[c].threshold,
  })
  const all = labels.map((_, c) => of(c)).sort((a, b) => b.score - a.score)
  const top = all.slice(0, SHOWN)
  const shown = top.some(({ c }) => c === label) ? top : [...top, of(label)]
  const present = labels.filter((_, c) => truth[row * width + c] === 1)
  const addresses = pictures?.get(images[row]) ?? []
  return html`<figure class="case">
    ${
      pictures !== null &&
      html`<div class="shots">
        ${addresses.map((address) => html`<img alt="Image of ${labels[label]}" src="${trusted(address)}" />`)}
        ${addresses.length === 0 && html`<span>no picture</span>`}
      </div>`
    }
    <figcaption><span>${breakable(labels[label])}</span><b>${(100 * placement).toFixed(1)}%</b></figcaption>
    <p class="truth">${present.length === 0 ? 'no finding' : breakable(present.join(', '))}</p>
    <ul>
      ${shown.map(({ c, score, present: is, threshold }) => {
        const called = threshold !== null && score >= threshold
        const mark =
          is === 1 ? html`<i class="yes">✓</i>` : is === 0 ? html`<i class="no">✗</i>` : html`<i>?</i>`
        return html`<li class="${called ? 'called' : ''}" style="--share: ${score.toFixed(3)}">
          ${mark}<span>${breakable(labels[c])}</span><b>${formatScore(score)}</b>
        </li>`
      })}
    </ul>
    ${withIds && html`<p class="id">${images[row]}${patients[row] !== null && `, patient ${patients[row]}`}</p>`}
  </figure>`
}
