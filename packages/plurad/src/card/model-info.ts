/** What a model file says of itself, read without libtorch and without its weights. */
import { open, readFile } from 'node:fs/promises'
import { DataError } from '../errors.js'
import { MODEL_INFO_KEY, parseModelInfo, type ModelInfo } from '../models/model-info.js'
import { readOnnxMetadata } from '../predict/onnx-metadata.js'

/** Longer headers are no header. */
const MOST_BYTES = 100 * 2 ** 20

/**
 * @param file a .safetensors or .onnx file of `plurad train` or `plurad export`
 * @throws DataError where it cannot be read or says nothing of itself
 */
export async function readModelInfo(file: string): Promise<ModelInfo> {
  try {
    const text = file.endsWith('.onnx')
      ? readOnnxMetadata(await readFile(file)).get(MODEL_INFO_KEY)
      : (await safetensorsMetadata(file))[MODEL_INFO_KEY]
    return parseModelInfo(text, file)
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Eight bytes of length, then a JSON header with free text under `__metadata__`. */
async function safetensorsMetadata(file: string): Promise<Record<string, string>> {
  const handle = await open(file, 'r')
  try {
    const start = Buffer.alloc(8)
    await handle.read(start, 0, 8, 0)
    const length = Number(start.readBigUInt64LE())
    if (length > MOST_BYTES) throw new Error('it is no safetensors file')
    const header = Buffer.alloc(length)
    await handle.read(header, 0, length, 8)
    const { __metadata__: metadata } = JSON.parse(header.toString('utf8')) as {
      __metadata__?: Record<string, string>
    }
    return metadata ?? {}
  } finally {
    await handle.close()
  }
}
