/** Images that look wrong: empty, inverted, turned. */
import { THUMBNAIL_SIZE } from '../inspect/image-facts.js'
import type { FactsTable } from './facts-table.js'
import { counted, type Outcome } from './finding.js'
import { correlation, usualImage } from './likeness.js'
import type { Subject } from './subject.js'

const SIZE = THUMBNAIL_SIZE
const AREA = SIZE * SIZE

/** With fewer images there is no usual look to compare with. */
const LEAST_IMAGES = 30

/**
 * The correlation with the usual image from which on an image looks like the others. Three quarters of a data set have to,
 * else it has no usual look: several views or organs are mixed.
 */
const ALIKE = 0.5

/** Dark where the others are light, and the reverse: none of 1,000 chest radiographs is below 0.1, their negatives are. */
const INVERTED_BELOW = -0.4

/** A turn has to fit so much better than the image as it is; of 1,000 upright chest radiographs none fits by more than 0.22. */
const TURN_MARGIN = 0.3

/** A usual image that is so much like itself when turned does not tell of turns. */
const SYMMETRIC = 0.6

/** By turns of the usual image, anticlockwise as the image itself is then. */
const turns = [
  { quarters: 1, name: 'a quarter turn anticlockwise' },
  { quarters: 2, name: 'upside down' },
  { quarters: 3, name: 'a quarter turn clockwise' },
] as const

export function emptyImages(subject: Subject, facts: FactsTable): Outcome {
  const found = facts.digests.flatMap((digest, image) =>
    digest !== '' && facts.isEmpty(image) ? [image] : [],
  )
  if (found.length === 0) return { passed: 'no image is empty or of one grey' }
  return {
    severity: 'warning',
    count: found.length,
    summary: `${counted(found.length, 'image')} empty or nearly of one grey`,
    advice: 'Look at them; take their rows out of the table, or replace the files.',
    items: found.map((image) => subject.describe(image)),
    images: subject.names(found),
    references: subject.each(found),
  }
}

/** Each image's correlation with the usual one as it is and turned by 90, 180 and 270 degrees anticlockwise. */
interface Looks {
  images: readonly number[]
  /** [4][n] */
  byTurn: readonly Float32Array[]
  /** [4]: of the usual image with itself. */
  symmetry: readonly number[]
}

/** Compares with the usual look; a sentence where there is none. */
export function looksOf(facts: FactsTable): Looks | string {
  const { images, thumbnails } = facts.shown
  if (images.length < LEAST_IMAGES)
    return `only ${counted(images.length, 'image')} to compare with each other`
  const usual = usualImage(thumbnails)
  const templates = [usual]
  for (let turn = 1; turn < 4; turn++) templates.push(turned(templates[turn - 1]))
  const byTurn = templates.map((template) =>
    Float32Array.from(images, (_, row) =>
      correlation(thumbnails.subarray(row * AREA, (row + 1) * AREA), template),
    ),
  )
  const lowerQuartile = byTurn[0].slice().sort()[Math.floor(images.length / 4)]
  if (lowerQuartile < ALIKE) return 'the images differ too much from each other to have a usual look'
  return { images, byTurn, symmetry: templates.map((template) => correlation(template, usual)) }
}

/** By 90 degrees anticlockwise. */
function turned(square: Float32Array): Float32Array {
  return Float32Array.from(square, (_, at) => {
    const row = Math.floor(at / SIZE)
    const column = at % SIZE
    return square[column * SIZE + (SIZE - 1 - row)]
  })
}

export function invertedImages(subject: Subject, looks: Looks | string): Outcome {
  if (typeof looks === 'string') return { notChecked: `inverted images: ${looks}` }
  const found = looks.images.filter((_, row) => looks.byTurn[0][row] < INVERTED_BELOW)
  if (found.length === 0) return { passed: 'no image looks inverted' }
  return {
    severity: 'warning',
    count: found.length,
    summary: `${counted(found.length, 'image')} dark where the others are light, and the reverse`,
    advice:
      'Look at them: a negative (DICOM MONOCHROME1 exported without inverting it) is to be inverted before training.',
    items: found.map((image) => subject.describe(image)),
    images: subject.names(found),
    references: subject.each(found),
  }
}

export function turnedImages(subject: Subject, looks: Looks | string): Outcome {
  if (typeof looks === 'string') return { notChecked: `turned images: ${looks}` }
  const { images, byTurn, symmetry } = looks
  const telling = turns.filter(({ quarters }) => symmetry[quarters] < SYMMETRIC)
  if (telling.length === 0) {
    return { notChecked: 'turned images: the usual image looks the same when it is turned' }
  }
  const found = images.flatMap((image, row) => {
    const asItIs = byTurn[0][row]
    const fits = telling.map(({ quarters, name }) => ({ name, fit: byTurn[quarters][row] }))
    const best = fits.reduce((a, b) => (b.fit > a.fit ? b : a))
    return best.fit > ALIKE && best.fit - asItIs > TURN_MARGIN ? [{ image, turn: best.name }] : []
  })
  if (found.length === 0) return { passed: 'no image looks turned' }
  const affected = found.map(({ image }) => image)
  return {
    severity: 'warning',
    count: found.length,
    summary: `${counted(found.length, 'image')} more like the others when turned`,
    advice: 'Look at them: this is a suspicion. Turn the files, or take their rows out of the table.',
    items: found.map(({ image, turn }) => `${subject.describe(image)}: ${turn}`),
    images: subject.names(affected),
    references: subject.each(affected),
  }
}
