/** Every method that works with libtorch, by its name on the command line. Adding one is a file and a line here. */
import { attention } from './attention.js'
import { cam } from './cam.js'
import { gradCam } from './grad-cam.js'
import { gradCamPlusPlus } from './grad-cam-plus-plus.js'
import { hiresCam } from './hires-cam.js'
import { integratedGradients } from './integrated-gradients.js'
import { layerCam } from './layer-cam.js'
import type { MethodEntry } from './method.js'
import { occlusion } from './occlusion.js'

export const methods: Readonly<Record<string, MethodEntry>> = {
  'grad-cam': gradCam,
  'grad-cam++': gradCamPlusPlus,
  'hires-cam': hiresCam,
  'layer-cam': layerCam,
  'integrated-gradients': integratedGradients,
  occlusion,
  attention,
  cam,
}
