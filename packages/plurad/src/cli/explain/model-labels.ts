import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../../errors.js'
import { MODEL_INFO_KEY, parseModelInfo } from '../../models/model-info.js'
import { readOnnxMetadata } from '../../predict/onnx-metadata.js'

/** The labels of a run folder or a model file, without loading the model. */
export async function modelLabels(location: string): Promise<readonly string[]> {
  const candidates = [location, join(location, 'model.safetensors'), join(location, 'model.onnx')]
  const file = candidates.find((each) => /\.(onnx|safetensors)$/.test(each) && existsSync(each))
  if (file === undefined)
    throw new DataError(`${location} is neither a model file nor a run folder with a finished model.`)
  const content = await readFile(file)
  return parseModelInfo(
    file.endsWith('.onnx') ? readOnnxMetadata(content).get(MODEL_INFO_KEY) : safetensorsMetadata(content),
    file,
  ).labels
}

/** From the header alone: eight bytes of length, then JSON (safetensors format). */
function safetensorsMetadata(content: Buffer): string | undefined {
  try {
    const length = Number(content.readBigUInt64LE(0))
    const header = JSON.parse(content.subarray(8, 8 + length).toString()) as {
      __metadata__?: Record<string, string>
    }
    return header.__metadata__?.[MODEL_INFO_KEY]
  } catch {
    return undefined
  }
}
