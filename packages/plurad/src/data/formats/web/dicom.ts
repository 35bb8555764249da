import { dicom as shared } from '../dicom.js'
import { readDicom } from '../dicom/file.js'
import type { ImageFormat } from '../format.js'
import { loadDecoders } from './decoders.js'

/** DICOM as in Node; the decoders are fetched when the first compressed file comes. */
export const dicom: ImageFormat = {
  ...shared,
  async decode(bytes, options) {
    const { compression } = readDicom(bytes).syntax
    if (compression !== null && compression !== 'rle') await loadDecoders()
    return shared.decode(bytes, options)
  },
}
