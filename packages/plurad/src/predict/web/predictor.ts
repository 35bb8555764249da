/** Prediction on a web page or in a worker of one: downloads, decoders and the WebAssembly build of ONNX Runtime. */
import { decodeBytes } from '../../data/formats/decode-bytes.js'
import { DECODERS_FILE, setDecodersUrl } from '../../data/formats/web/decoders.js'
import { webFormats } from '../../data/formats/web/registry.js'
import type { DecodedImage } from '../../data/image.js'
import { preprocessingOf, type WindowChoice } from '../../data/preprocessing.js'
import type { ModelInfo } from '../../models/model-info.js'
import { contentOf, download, inputName, type FileInput, type SampleInput } from '../inputs.js'
import { OnnxModel } from '../onnx-model.js'
import { Predictor, type LoadOptions, type PredictOptions, type WasmPaths } from '../predictor.js'
import { DecodingReader, type SampleReader } from '../reader.js'
import { openSession, setRuntime } from './runtime.js'

/** Predicts files and content with the preprocessing that the models were trained with. */
export class WebPredictor extends Predictor {
  /**
   * @param models a .onnx file of `plurad export` (text is a URL, seen from the page), or several for the mean of their
   *   probabilities
   * @throws DataError where one is missing, damaged or has no description
   */
  static async load(
    models: FileInput | readonly FileInput[],
    { threads = null, wasmPaths = './' }: LoadOptions = {},
  ): Promise<WebPredictor> {
    setWasmPaths(wasmPaths)
    const loaded: OnnxModel[] = []
    for (const [i, model] of (Array.isArray(models)
      ? (models as FileInput[])
      : [models as FileInput]
    ).entries()) {
      const name = inputName(model, i, 'model')
      loaded.push(await OnnxModel.open(await read(model, name), name, openSession, { threads }))
    }
    return new WebPredictor(loaded)
  }

  protected override reader(
    samples: readonly SampleInput[],
    info: ModelInfo,
    { batchSize = 4, strict = false }: PredictOptions,
  ): SampleReader {
    return new DecodingReader(samples, preprocessingOf(info), { batchSize, strict }, decode)
  }
}

/**
 * Decodes one image.
 *
 * @param input text is a URL, seen from the page
 * @throws DataError naming the image, where it is missing, damaged or of no known format
 */
export async function decodeImage(input: FileInput, window: WindowChoice = 'file'): Promise<DecodedImage> {
  return decode(input, inputName(input, 0), window)
}

async function decode(input: FileInput, name: string, window: WindowChoice): Promise<DecodedImage> {
  return decodeBytes(await read(input, name), name, webFormats, { window, part: null })
}

function read(input: FileInput, name: string): Promise<Uint8Array> {
  return typeof input === 'string' ? download(input, name) : contentOf(input, name)
}

function setWasmPaths(paths: WasmPaths): void {
  const base = globalThis as unknown as { document?: { baseURI: string }; location: { href: string } }
  const page = base.document?.baseURI ?? base.location.href
  if (typeof paths === 'string' || paths instanceof URL) {
    const folder = new URL(paths, page)
    if (!folder.pathname.endsWith('/')) folder.pathname += '/'
    const at = (name: string): string => new URL(name, folder).href
    setRuntime({ mjs: at('ort-wasm-simd-threaded.mjs'), wasm: at('ort-wasm-simd-threaded.wasm') })
    setDecodersUrl(at(DECODERS_FILE))
    return
  }
  setRuntime({ mjs: new URL(paths.mjs, page).href, wasm: new URL(paths.wasm, page).href })
  setDecodersUrl(new URL(paths.codecs, page))
}
