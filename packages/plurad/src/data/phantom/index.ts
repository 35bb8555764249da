/** A seeded generator of chest-radiograph phantoms: a data set without a patient, a download or a licence to sign. */
export { findings, type Finding, type FindingName } from './findings.js'
export { samplePhantoms, type PhantomImage } from './patients.js'
export { renderPhantom, type FoundBox, type Radiograph } from './render.js'
export { generatePhantoms, type PhantomOptions } from './write.js'
