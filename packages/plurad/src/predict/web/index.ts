/**
 * Predictions of exported models in a browser: what `../index.ts` gives in Node, without a server. Runs on a page or, so
 * that the page stays usable, in a worker of it.
 *
 *     const predictor = await Predictor.load('model.onnx', { wasmPaths: 'wasm/' })
 *     const { labels, scores } = await predictor.predict([...input.files])
 */
export { decodeImage, WebPredictor as Predictor } from './predictor.js'
export { openSession } from './runtime.js'
export * from '../shared.js'
