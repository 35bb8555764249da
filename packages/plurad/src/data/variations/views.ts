/** Other views of an image that should show the same findings, for test-time augmentation. */
import { affine, resample, translation, type Transform } from '../augment/geometry.js'

/** Named sets of views beside the image itself. */
export interface ViewSet {
  name: string
  /** One line for people. */
  summary: string
  /** Where the pixels of each view come from, for images of `size` pixels. */
  transforms: (size: number) => Transform[]
}

/** Small enough that nothing of the body leaves the picture. */
const SHIFT = 0.03
const DEGREES = 5
const ZOOM = 1.05

const changed = (change: { angle?: number; scale?: number }): Transform =>
  affine({ angle: 0, translate: [0, 0], scale: 1, shear: [0, 0], ...change })

export const viewSets: readonly ViewSet[] = [
  {
    name: 'flips',
    summary: 'mirrored; not for labels that name a side, nor where the heart tells the side',
    transforms: () => [{ a: -1, b: 0, c: 0, d: 1, tx: 0, ty: 0 }],
  },
  {
    name: 'shifts',
    summary: 'moved by 3 % of the side, left, right, up and down',
    transforms: (size) => {
      const pixels = Math.max(1, Math.round(SHIFT * size))
      return [
        translation(-pixels, 0),
        translation(pixels, 0),
        translation(0, -pixels),
        translation(0, pixels),
      ]
    },
  },
  {
    name: 'rotations',
    summary: 'turned by 5 degrees, both ways',
    transforms: () => [changed({ angle: -DEGREES }), changed({ angle: DEGREES })],
  },
  {
    name: 'zooms',
    summary: 'enlarged and reduced by 5 %',
    transforms: () => [changed({ scale: ZOOM }), changed({ scale: 1 / ZOOM })],
  },
]

/** Throws `RangeError` for a name that is none of `viewSets`. */
export function assertViews(names: readonly string[]): void {
  for (const name of names) setOf(name)
}

/**
 * The views of a batch beside the images themselves, one after the other.
 *
 * @param pixels [n, planes, size, size], left as it is
 * @throws RangeError for a name that is none of `viewSets`
 */
export function* viewsOf(
  names: readonly string[],
  pixels: Float32Array,
  size: number,
): Generator<Float32Array<ArrayBuffer>> {
  for (const transform of names.flatMap((name) => setOf(name).transforms(size)))
    yield resample(pixels, { size, target: size }, transform, 'edge')
}

function setOf(name: string): ViewSet {
  const found = viewSets.find((set) => set.name === name)
  if (found !== undefined) return found
  throw new RangeError(`There are no views '${name}': expected ${viewSets.map((set) => set.name).join(', ')}`)
}
