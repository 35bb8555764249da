/** The toolkit as a library. What needs libtorch is under `plurad/training`; the rest runs without. */
export * from './errors.js'
export * from './data/index.js'
export * from './metrics/index.js'
export { formatRecipe, loadRecipe, parseRecipe } from './recipe/recipe.js'
export { recipeSchema, type Recipe } from './recipe/schema.js'
export { writeReport } from './report/index.js'
export { readPredictions, writePredictions, type Predictions } from './metrics/predictions.js'
export { version } from './version.js'
