/**
 * Random changes of training images. Drawn from a stream of their own for every run, epoch and image, so that neither the
 * number of decoding threads nor a resume changes what an image becomes.
 */
import type { Random } from '../random.js'
import { compose, resample, type Fill, type Frame, type Transform } from './geometry.js'
import type { Bound, Picture } from './operation.js'
import { find, type AugmentationStep } from './steps.js'

export interface AugmenterOptions {
  /** Planes of one image: 1 grey, 3 red-green-blue. */
  channels: number
  /** Side of the images that come in, and of those that go out. Different only for steps that cut. */
  size: number
  target: number
}

/** Moves that have been drawn and not been made yet. */
interface Moves extends Frame {
  transform: Transform
  fill: Fill | null
}

/** Checked steps, ready to be applied to images of one size. */
export class Augmenter {
  readonly #steps: readonly { bound: Bound; crops: boolean }[]
  readonly #options: AugmenterOptions

  constructor(steps: readonly AugmentationStep[], options: AugmenterOptions) {
    this.#steps = steps.map(({ name, ...settings }) => {
      const operation = find(name)
      if (operation === undefined) throw new RangeError(`There is no augmentation '${name}'`)
      return { bound: operation.bind(settings), crops: operation.crops }
    })
    if (options.size !== options.target && !this.#steps.some(({ crops }) => crops)) {
      throw new RangeError(
        `Images of ${options.size} pixels, and nothing that cuts them to ${options.target}`,
      )
    }
    this.#options = options
  }

  /** Whether anything at all is done. */
  get active(): boolean {
    return this.#steps.length > 0
  }

  /**
   * Moves that follow each other are made at once, in one interpolation: each further one would blur the image a little
   * more, and what the first moves out of sight the second can bring back.
   *
   * @param pixels [planes, size, size] in [0, 1] of one sample; its images get the same changes. Left as it is
   * @returns [planes, target, target] in [0, 1]
   */
  apply(pixels: Float32Array, random: Random): Float32Array {
    const { channels, size, target } = this.#options
    let picture: Picture = { pixels: pixels.slice(), size, channels }
    let pending: Moves | null = null
    for (const { bound, crops } of this.#steps) {
      if (bound.p < 1 && !random.chance(bound.p)) continue
      if (bound.kind === 'intensity') {
        picture = moved(picture, pending)
        pending = null
        bound.apply(picture, random)
        continue
      }
      const found = pending?.target ?? picture.size
      const frame = { size: found, target: crops ? target : found }
      const moves: Moves = { ...frame, transform: bound.draw(random, frame), fill: bound.fill }
      const together: Moves | null = pending === null ? null : join(pending, moves)
      if (together === null) picture = moved(picture, pending)
      pending = together ?? moves
    }
    return moved(picture, pending).pixels
  }
}

/** Null where they cannot be made at once, since they take different things for what lies beyond the image. */
function join(first: Moves, second: Moves): Moves | null {
  if (first.fill !== null && second.fill !== null && first.fill !== second.fill) return null
  return {
    size: first.size,
    target: second.target,
    transform: compose(first.transform, second.transform),
    fill: first.fill ?? second.fill,
  }
}

function moved(picture: Picture, moves: Moves | null): Picture {
  if (moves === null) return picture
  const pixels = resample(picture.pixels, moves, moves.transform, moves.fill ?? 'edge')
  return { ...picture, pixels, size: moves.target }
}
