import type { Attributes } from './attributes.js'
import { parse } from './parse.js'
import { tags } from './tags.js'

/** What tables and archives want to know of a DICOM file; null where it does not say. */
export interface DicomHeader {
  transferSyntaxUid: string | null
  sopInstanceUid: string | null
  seriesInstanceUid: string | null
  studyInstanceUid: string | null
  patientId: string | null
  /** As the file has it, such as `045Y` or `011M`. */
  patientAge: string | null
  /** `M`, `F` or `O`. */
  patientSex: string | null
  /** Such as `CR`, `DX` or `CT`. */
  modality: string | null
  /** Such as `PA`, `AP` or `LL`. */
  viewPosition: string | null
  photometricInterpretation: string | null
  rows: number | null
  columns: number | null
  bitsStored: number | null
  numberOfFrames: number | null
}

/**
 * Reads a file's header without its pixels.
 *
 * @param file the whole file or its beginning: what lies beyond the end is null
 * @throws Error where this is not DICOM, or its transfer syntax is not one we read
 */
export function readDicomHeader(file: Uint8Array): DicomHeader {
  const { meta, attributes } = parse(file, true)
  return readHeader(meta, attributes)
}

export function readHeader(meta: Attributes, attributes: Attributes): DicomHeader {
  const frames = Number(attributes.text(tags.NumberOfFrames) ?? NaN)
  return {
    transferSyntaxUid: meta.text(tags.TransferSyntaxUID),
    sopInstanceUid: attributes.text(tags.SOPInstanceUID),
    seriesInstanceUid: attributes.text(tags.SeriesInstanceUID),
    studyInstanceUid: attributes.text(tags.StudyInstanceUID),
    patientId: readable(() => attributes.readText(tags.PatientID)),
    patientAge: attributes.text(tags.PatientAge),
    patientSex: attributes.text(tags.PatientSex),
    modality: attributes.text(tags.Modality),
    viewPosition: attributes.text(tags.ViewPosition),
    photometricInterpretation: attributes.text(tags.PhotometricInterpretation),
    rows: attributes.word(tags.Rows),
    columns: attributes.word(tags.Columns),
    bitsStored: attributes.word(tags.BitsStored),
    numberOfFrames: Number.isInteger(frames) ? frames : null,
  }
}

/** Null for what its character set does not explain. */
function readable(read: () => string | null): string | null {
  try {
    return read()
  } catch {
    return null
  }
}
