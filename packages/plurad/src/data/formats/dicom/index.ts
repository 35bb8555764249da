/** Reading DICOM in Node. What a browser reads with has no `codec-file`. */
import './codec-file.js'

export { readDicom, type DicomFile } from './file.js'
export { readDicomHeader, type DicomHeader } from './header.js'
export type { ImagePixel } from './image-pixel.js'
export { renderFrame } from './render.js'
export { modalityValues, storedValues, voiValues, type StoredValues } from './values.js'
