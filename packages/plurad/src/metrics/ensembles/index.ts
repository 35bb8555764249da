export { alignPredictions } from './align.js'
export {
  combinePredictions,
  ENSEMBLE_METHODS,
  ensembleWeights,
  type EnsembleMethod,
  type EnsembleWeights,
} from './combine.js'
