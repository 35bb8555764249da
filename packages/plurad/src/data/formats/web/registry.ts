import type { ImageFormat } from '../format.js'
import { dicom } from './dicom.js'
import { jpeg } from './jpeg.js'
import { png } from './png.js'

/** Every format that can be read in a browser, in the order in which a file's first bytes are tried. */
export const webFormats: readonly ImageFormat[] = [png, jpeg, dicom]
