/** Every augmentation by its name in a recipe. Adding one is a file in `operations/` and a line here. */
import type { Operation } from './operation.js'
import { affineChange } from './operations/affine.js'
import { brightness } from './operations/brightness.js'
import { clahe } from './operations/clahe.js'
import { contrast } from './operations/contrast.js'
import { gamma } from './operations/gamma.js'
import { gaussianBlur } from './operations/gaussian-blur.js'
import { gaussianNoise } from './operations/gaussian-noise.js'
import { horizontalFlip } from './operations/horizontal-flip.js'
import { randomCrop } from './operations/random-crop.js'
import { randomErasing } from './operations/random-erasing.js'
import { randomResizedCrop } from './operations/random-resized-crop.js'
import { randomShift } from './operations/random-shift.js'
import { rotation } from './operations/rotation.js'
import { verticalFlip } from './operations/vertical-flip.js'

export const operations: readonly Operation[] = [
  horizontalFlip,
  verticalFlip,
  rotation,
  affineChange,
  randomShift,
  randomCrop,
  randomResizedCrop,
  brightness,
  contrast,
  gamma,
  gaussianNoise,
  gaussianBlur,
  clahe,
  randomErasing,
]
