/**
 * Predictions of exported models, without libtorch.
 *
 *     const predictor = await Predictor.load('model.onnx')
 *     const { labels, images, scores } = await predictor.predict(['a.png', 'b.dcm'])
 */
export {
  FilePredictor as Predictor,
  openSession,
  type FileFindings,
  type LoadOptions,
  type PredictFilesOptions,
} from './node.js'
export type { DecodedSample } from './predictor.js'
export { OnnxModel, type Explanation } from './onnx-model.js'
export type { NamedTensor, OpenSession, Session, SessionOptions } from './runtime.js'
export { decodeImage } from '../data/formats/decode.js'
