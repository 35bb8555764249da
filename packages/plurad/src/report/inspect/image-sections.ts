import { basename } from 'node:path'
import type { ContactImage, ContactRow } from '../../data/inspect/contact-sheet.js'
import { HISTOGRAM_BINS } from '../../data/inspect/image-facts.js'
import type { ImageSummary } from '../../data/inspect/image-summary.js'
import { formatBytes } from '../../disk-space.js'
import { formatCount, formatPercent, formatPlural } from '../format.js'
import { html, type Html } from '../html.js'
import { barFigures, pairs, pictureOf } from './parts.js'
import { countedText } from './words.js'

/** What the files are like. */
export async function imageSection(images: ImageSummary): Promise<Html> {
  const bars = images.histogram.map((value, bin) => ({ name: `${(100 * bin) / HISTOGRAM_BINS}%`, value }))
  return html`${pairs(factsOf(images))}
  ${images.warnings.map(
    ({ value, images: of }) => html`<p class="note warning">${formatPlural(of, 'image')}: ${value}</p>`,
  )}
  ${await barFigures([
    {
      ...{ title: 'Values', bars, share: true, every: HISTOGRAM_BINS / 4 },
      ...{ x: 'of full scale, black to white', y: 'share of pixels' },
    },
  ])}`
}

function factsOf(images: ImageSummary): [string, string][] {
  const { examined, of, failed, sizes, shortest, longest, grey_in_colour: grey } = images
  const read =
    examined === of
      ? `all ${formatCount(of)}`
      : `${formatCount(examined)} of ${formatCount(of)}, evenly drawn`
  const range = sizes.length > 1 ? `; sides from ${shortest} to ${longest}` : ''
  return [
    ['Read', read],
    ...(failed > 0 ? [['Cannot be read', formatCount(failed)] as [string, string]] : []),
    ['Format', countedText(images.formats)],
    ['Size', `${countedText(sizes)}${range}`],
    ['Kind', countedText(images.kinds)],
    ...(grey > 0 ? [['Grey stored as colour', formatCount(grey)] as [string, string]] : []),
    ['Files', formatBytes(images.bytes)],
    [
      'Values',
      `${formatPercent(images.low)} to ${formatPercent(images.high)} of full scale; mean of an image ` +
        `${formatPercent(images.mean)} ± ${formatPercent(images.deviation)}`,
    ],
  ]
}

/** Some images of every label. */
export function contactSection(rows: readonly ContactRow[], withIds: boolean): Html {
  return html`<p class="note">
      Some images of every label, evenly drawn from different patients; below each, what else it has.
    </p>
    ${rows.map(
      ({ label, positives, images }) =>
        html`<div class="contact">
          <h3>${label ?? 'No label'}<small>${formatPlural(positives, 'row')}</small></h3>
          <div class="pictures">
            ${images.map((image) => contactFigure(image, label ?? 'No label', withIds))}
          </div>
        </div>`,
    )}`
}

function contactFigure(
  { image, patient, others, picture }: ContactImage,
  label: string,
  withIds: boolean,
): Html {
  const name = withIds && basename(image)
  const whose = withIds && patient !== null && `patient ${patient}`
  const lines = [others.join(', '), name, whose].filter((line) => line !== false && line !== '')
  return html`<figure>
    ${pictureOf(picture, [label, ...others].join(', '))}
    <figcaption>${lines.map((line, at) => [at > 0 && html`<br />`, line])}</figcaption>
  </figure>`
}
