/** What DICOM objects say of the model, or of the models, that they come from. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Algorithm } from '../../dicom/index.js'
import { DataError } from '../../errors.js'
import { MODEL_INFO_KEY, parseModelInfo, type ModelInfo } from '../../models/model-info.js'
import { readOnnxMetadata } from '../../predict/onnx-metadata.js'
import { findOnnxFile } from '../predict-onnx.js'

interface Member {
  /** Name and SHA-256 of its file, which tell members of one recipe apart. */
  file: string
  sha256: string
  info: ModelInfo
}

/** @param views sets of views over which its scores are means, `--tta` */
export function algorithmOf(info: ModelInfo, views: readonly string[] = []): Algorithm {
  const { recipe, plurad, calibration } = info
  return {
    name: `Plurad ${recipe.name}`,
    version: plurad,
    parameters: [
      ...partsOf(info),
      `calibrated=${calibration === null ? 'no' : 'yes'}`,
      ...(views.length === 0 ? [] : [`test_time_augmentation=${views.join(',')}`]),
    ],
  }
}

/**
 * Of several exported models whose mean counts: each of them.
 *
 * @param models run folders or .onnx files
 */
export async function ensembleOf(models: readonly string[]): Promise<Algorithm> {
  const members = await Promise.all(models.map(readMember))
  const versions = new Set(members.map(({ info }) => info.plurad))
  return {
    name: `Plurad ensemble of ${members.length}: ${members.map(({ info }) => info.recipe.name).join(', ')}`,
    version: [...versions].join(', '),
    parameters: [
      'ensemble=mean of the probabilities',
      `members=${members.length}`,
      ...members.map(({ info, file, sha256 }, i) =>
        [
          `member_${i + 1}=${info.recipe.name}`,
          `version=${info.plurad}`,
          ...partsOf(info),
          `file=${file}`,
          `sha256=${sha256}`,
        ].join('; '),
      ),
      'calibrated=no',
    ],
  }
}

function partsOf({ backbone, head, data_fingerprint: fingerprint }: ModelInfo): string[] {
  return [`backbone=${backbone.name}`, `head=${head.name}`, `training_data=${fingerprint}`]
}

async function readMember(model: string): Promise<Member> {
  const file = findOnnxFile(model) ?? model
  const content = await readFile(file).catch((error: unknown) => {
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  })
  return {
    file: basename(file),
    sha256: createHash('sha256').update(content).digest('hex'),
    info: parseModelInfo(readOnnxMetadata(content).get(MODEL_INFO_KEY), file),
  }
}
