import type { Algorithm } from '../../dicom/index.js'
import type { ModelInfo } from '../../models/model-info.js'

/** What DICOM objects say of the model that they come from. */
export function algorithmOf(info: ModelInfo): Algorithm {
  const { recipe, plurad, backbone, head, data_fingerprint: fingerprint, calibration } = info
  return {
    name: `Plurad ${recipe.name}`,
    version: plurad,
    parameters: [
      `backbone=${backbone.name}`,
      `head=${head.name}`,
      `training_data=${fingerprint}`,
      `calibrated=${calibration === null ? 'no' : 'yes'}`,
    ],
  }
}
