/** What an image lacks of what a model expects. It can be read, but its probabilities are worth less than they look. */
import type { DecodedImage } from './image.js'
import type { Preprocessing } from './preprocessing.js'

/** Pixels that are looked at, spread over the image. */
const LOOKED_AT = 4096

/** Distance between channels, as a share of full scale, from which a pixel has a colour, and the share of such pixels. */
const COLOURED = 0.08
const MOSTLY_COLOURED = 0.05

/** Times that a side may be enlarged, and the least share of the picture that a cut may leave. */
const ENLARGED = 4
const LEFT = 0.4

/**
 * What a user should know of an image.
 *
 * @param expected what a model expects of it, if any does
 */
export function warningOf(image: DecodedImage, expected: Preprocessing | null): string | null {
  const unlike = expected === null ? null : unlikeExpected(image, expected)
  const warnings = [image.warning ?? null, unlike].filter((warning) => warning !== null)
  return warnings.length === 0 ? null : warnings.join('; ')
}

/** Null for an image as the model expects it. */
function unlikeExpected(image: DecodedImage, preprocessing: Preprocessing): string | null {
  const { width, height } = image
  const { size, resize_to: resizeTo, resize, channels } = preprocessing
  const found: string[] = []
  if (channels === 1 && isColoured(image))
    found.push('it is in colour, and the model looks at grey values only')
  const side = resizeTo ?? size
  const shorter = Math.min(width, height)
  if (shorter * ENLARGED < side)
    found.push(`it has ${width} x ${height} pixels only, where the model looks at ${side} x ${side}`)
  const left = shorter / Math.max(width, height)
  if (resize === 'crop' && left < LEFT)
    found.push(
      `it is ${width} x ${height}, and the model looks at the square in its middle, ${percent(left)} of it`,
    )
  return found.length === 0 ? null : found.join('; ')
}

function isColoured({ data, channels, maxValue }: DecodedImage): boolean {
  if (channels === 1) return false
  const pixels = data.length / 3
  const step = Math.max(1, Math.floor(pixels / LOOKED_AT))
  let [coloured, count] = [0, 0]
  for (let pixel = 0; pixel < pixels; pixel += step, count++) {
    const [red, green, blue] = [data[3 * pixel], data[3 * pixel + 1], data[3 * pixel + 2]]
    const apart = Math.max(red, green, blue) - Math.min(red, green, blue)
    if (apart > COLOURED * maxValue) coloured++
  }
  return coloured > MOSTLY_COLOURED * count
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
