/** A small network that was never trained, as the files that training and export would have left. */
import { writeFileSync } from 'node:fs'
import { fromTypedArray, manualSeed, noGrad, saveSafetensors, scope, type Tensor } from '@plurad/torch'
import sharp, { type Sharp } from 'sharp'
import { encodeClassifier } from '../src/export/onnx/classifier.js'
import { Classifier } from '../src/models/classifier.js'
import type { DecodedImage } from '../src/data/image.js'
import { MODEL_INFO_KEY, type ModelInfo } from '../src/models/model-info.js'
import { pixelsOf } from '../src/predict/reader.js'
import { exampleInfo } from './model-example.js'

export interface RandomModel {
  /** The weights, as `plurad train` writes them. */
  safetensors: string
  /** The same, exported. */
  onnx: string
  info: ModelInfo
}

export interface RandomModelOptions {
  /** To the description of a grey model of side 64. */
  changes?: Partial<ModelInfo>
  seed?: number
  /** Two or more to which it gives logits of mean 0 and deviation 2: its probabilities differ by what they show. */
  images?: readonly DecodedImage[]
}

/** Writes `<path>.safetensors` and `<path>.onnx`. */
export function writeRandomModel(
  path: string,
  { changes = {}, seed = 0, images = [] }: RandomModelOptions = {},
): RandomModel {
  const base = { ...exampleInfo('guita_cnn', { name: 'linear' }, 64), ...changes }
  const planes = base.channels * base.images
  const filled = (value: number): ModelInfo['mean'] => new Array<number>(planes).fill(value)
  const info: ModelInfo = { ...base, mean: filled(0.45), std: filled(0.25) }
  return scope(() => {
    manualSeed(seed)
    const model = new Classifier({ ...info, inChannels: planes }).eval()
    const weights = model.stateDict()
    if (images.length > 0) noGrad(() => spread(model, weights, pixelsOf(images, info)))
    const files = { safetensors: `${path}.safetensors`, onnx: `${path}.onnx`, info }
    saveSafetensors(files.safetensors, weights, { [MODEL_INFO_KEY]: JSON.stringify(info) })
    writeFileSync(files.onnx, encodeClassifier(model, info))
    return files
  })
}

/** Changes the last layer in place. */
function spread(model: Classifier, weights: ReadonlyMap<string, Tensor>, pixels: Float32Array): void {
  const { size, inChannels } = model.settings
  const count = pixels.length / (inChannels * size * size)
  const input = fromTypedArray(new Float32Array(pixels), [count, inChannels, size, size]).sub(0.45).div(0.25)
  const logits = model.forward(input)
  const mean = logits.mean([0])
  const factor = logits.sub(mean).pow(2).mean([0]).sqrt().add(1e-6).pow(-1).mul(2)
  weights.get('head.classifier.weight')?.mul_(factor.unsqueeze(1))
  weights.get('head.classifier.bias')?.sub_(mean).mul_(factor)
}

/** A grey picture in shades of orange. */
export async function coloured(path: string): Promise<Sharp> {
  const { data, info } = await sharp(path).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  const pixels = Uint8Array.from(
    { length: 3 * data.length },
    (_, i) => data[Math.floor(i / 3)] * [1, 0.6, 0.3][i % 3],
  )
  return sharp(pixels, { raw: { width: info.width, height: info.height, channels: 3 } })
}
