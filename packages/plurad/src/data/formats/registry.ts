import './dicom/codec-file.js'
import { dicom } from './dicom.js'
import type { ImageFormat } from './format.js'
import { jpeg } from './jpeg.js'
import { nifti } from './nifti/nifti.js'
import { npy, npz } from './numpy/numpy.js'
import { png } from './png.js'
import { tiff } from './tiff.js'

/** Every format that can be read, in the order in which a file's first bytes are tried. */
export const imageFormats: readonly ImageFormat[] = [png, jpeg, tiff, dicom, nifti, npy, npz]
