export { pictureSource, type PictureSource } from './cases/pictures.js'
export { renderReport, writeEvaluationReport, writeReport, type Evaluation } from './report.js'
