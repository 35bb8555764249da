/**
 * Predictions of exported models, without libtorch. A browser gets the same from `web/`.
 *
 *     const predictor = await Predictor.load('model.onnx')
 *     const { labels, images, scores } = await predictor.predict(['a.png', 'b.dcm'])
 */
export { decodeImage, FilePredictor as Predictor, openSession } from './node.js'
export * from './shared.js'
