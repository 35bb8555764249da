import { geometric } from '../operation.js'

/** Mirrors left and right. It turns the side round that a heart or a liver lies on: not for laterality labels. */
export const horizontalFlip = geometric({
  name: 'horizontal_flip',
  summary: 'mirror left and right',
  settings: {},
  p: 0.5,
  fill: () => null,
  draw: () => ({ a: -1, b: 0, c: 0, d: 1, tx: 0, ty: 0 }),
})
