import { geometric } from '../operation.js'

/** Mirrors top and bottom: for pictures without an upright position, such as slides. */
export const verticalFlip = geometric({
  name: 'vertical_flip',
  summary: 'mirror top and bottom',
  settings: {},
  p: 0.5,
  fill: () => null,
  draw: () => ({ a: 1, b: 0, c: 0, d: -1, tx: 0, ty: 0 }),
})
