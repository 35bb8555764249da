/** The image that a finding belongs to: whose it is, and how others refer to it. */
import { readDicom } from '../data/formats/dicom/index.js'
import type { DicomFile } from '../data/formats/dicom/index.js'
import type { Attributes } from '../data/formats/dicom/attributes.js'
import { tags, type Tag } from '../data/formats/dicom/tags.js'
import { DataError } from '../errors.js'
import type { Dataset } from './write.js'

export interface SourceImage {
  sopClassUid: string
  sopInstanceUid: string
  studyInstanceUid: string
  seriesInstanceUid: string
  modality: string
  /** Patient and study as the file has them, in UTF-8. */
  patientAndStudy: Dataset
  /** Where the patient lies in space; null where the file does not say. */
  frameOfReferenceUid: string | null
  /** Millimetres between rows and between columns, of the patient or else of the detector; null where unknown. */
  spacing: readonly [number, number] | null
  /** `ImagePositionPatient` and `ImageOrientationPatient`, of single-frame images of slices. */
  plane: { position: readonly number[]; orientation: readonly number[] } | null
  sliceThickness: number | null
  /** `PatientOrientation`: the directions of rows and columns, such as L and F. */
  orientation: readonly string[]
  laterality: string | null
  bodyPart: string | null
  /**
   * All that the file says of the part of the body: `BodyPartExamined` as it stands, code and meaning of each anatomic
   * region; empty where it says nothing.
   */
  regions: readonly string[]
  frames: number
  rows: number
  columns: number
  /** Attributes of a lossy compression that the pixels went through; empty where they did not. */
  lossy: Dataset
  /** `TimezoneOffsetFromUTC`, to which all times of a file refer. */
  timezone: string | null
  /** `BurnedInAnnotation`: whether the pixels name the patient, as far as the file says. */
  burnedIn: string | null
}

/** What a value may look like (PS3.5, 6.2): text of so many characters, a date, a time … */
const upTo = (most: number): RegExp => new RegExp(`^.{0,${most}}$`, 'u')
const DATE = /^(\d{8})?$/
const TIME = /^(\d\d){0,3}(\.\d{1,6})?$/
const CODE = /^[A-Z0-9_ ]{0,16}$/
const AGE = /^(\d{3}[DWMY])?$/
const NAME = /^[^=]{0,64}(=[^=]{0,64}){0,2}$/u
const ID = upTo(64)
const UID = /^[0-9.]{1,64}$/
const DIRECTION = /^[A-Z]{1,16}$/
const SIDE = /^[RLUB]?$/
const OFFSET = /^([+-]\d{4})?$/
const DECIMAL = /^[+-]?\d{1,12}(\.\d{1,10})?$/

/** Type 2 attributes of Patient and General Study, which are written even when empty. */
const REQUIRED: Readonly<Record<string, readonly [Tag, RegExp]>> = {
  PatientName: [tags.PatientName, NAME],
  PatientID: [tags.PatientID, ID],
  PatientBirthDate: [tags.PatientBirthDate, DATE],
  PatientSex: [tags.PatientSex, CODE],
  StudyDate: [tags.StudyDate, DATE],
  StudyTime: [tags.StudyTime, TIME],
  ReferringPhysicianName: [tags.ReferringPhysicianName, NAME],
  StudyID: [tags.StudyID, upTo(16)],
  AccessionNumber: [tags.AccessionNumber, upTo(16)],
}

const OPTIONAL: Readonly<Record<string, readonly [Tag, RegExp]>> = {
  IssuerOfPatientID: [tags.IssuerOfPatientID, ID],
  StudyDescription: [tags.StudyDescription, upTo(64)],
  PatientAge: [tags.PatientAge, AGE],
}

/**
 * @param name of the file, for messages
 * @throws DataError where it is no DICOM image, or does not say which it is
 */
export function readSource(content: Uint8Array, name: string): SourceImage {
  const file = open(content, name)
  const { attributes, image } = file
  const uid = (tag: Tag, keyword: string): string => {
    const value = attributes.text(tag) ?? ''
    if (UID.test(value)) return value
    throw new DataError(
      `${name} has ${value === '' ? 'no' : `"${value.slice(0, 40)}" as its`} ${keyword}: nothing can refer to this image, or ` +
        'belong to its study.',
    )
  }
  /** Values that a careless writer or a de-identification left behind, such as words for a date, are not passed on. */
  const fitting = (tag: Tag, form: RegExp): string => {
    const value = readable(attributes, tag, name) ?? ''
    return form.test(value) ? value : ''
  }
  const id = readable(attributes, tags.PatientID, name) ?? ''
  if (!ID.test(id)) {
    throw new DataError(
      `${name} has a PatientID of ${id.length} characters, where DICOM allows 64: an archive would cut it and mix patients up.`,
    )
  }
  const texts = (entries: Readonly<Record<string, readonly [Tag, RegExp]>>): [string, string][] =>
    Object.entries(entries).map(([keyword, [tag, form]]) => [keyword, fitting(tag, form)])
  const numbers = (tag: Tag, count: number): number[] | null => {
    const values = attributes.texts(tag).map(Number)
    return values.length === count && values.every(Number.isFinite) ? values : null
  }
  const position = numbers(tags.ImagePositionPatient, 3)
  const orientation = numbers(tags.ImageOrientationPatient, 6)
  const spacing = numbers(tags.PixelSpacing, 2) ?? numbers(tags.ImagerPixelSpacing, 2)
  const [thickness = 0] = numbers(tags.SliceThickness, 1) ?? []
  return {
    sopClassUid: uid(tags.SOPClassUID, 'SOPClassUID'),
    sopInstanceUid: uid(tags.SOPInstanceUID, 'SOPInstanceUID'),
    studyInstanceUid: uid(tags.StudyInstanceUID, 'StudyInstanceUID'),
    seriesInstanceUid: uid(tags.SeriesInstanceUID, 'SeriesInstanceUID'),
    modality: fitting(tags.Modality, CODE) || 'OT',
    patientAndStudy: Object.fromEntries([
      ...texts(REQUIRED),
      ...texts(OPTIONAL).filter(([, value]) => value !== ''),
    ]),
    frameOfReferenceUid: fitting(tags.FrameOfReferenceUID, UID) || null,
    spacing: spacing?.every((size) => size > 0) === true ? [spacing[0], spacing[1]] : null,
    plane: position !== null && orientation !== null ? { position, orientation } : null,
    sliceThickness: thickness > 0 ? thickness : null,
    orientation: attributes.texts(tags.PatientOrientation).filter((text) => DIRECTION.test(text)),
    laterality: fitting(tags.ImageLaterality, SIDE) || fitting(tags.Laterality, SIDE) || null,
    bodyPart: fitting(tags.BodyPartExamined, CODE) || null,
    regions: regionsOf(attributes),
    frames: image.frames,
    rows: image.rows,
    columns: image.columns,
    lossy: lossyOf(file),
    timezone: fitting(tags.TimezoneOffsetFromUTC, OFFSET) || null,
    burnedIn: attributes.text(tags.BurnedInAnnotation),
  }
}

/** @throws DataError for text that its character set does not explain: a garbled name would pass for another patient's */
function readable(attributes: Attributes, tag: Tag, name: string): string | null {
  try {
    return attributes.readText(tag)
  } catch (error) {
    throw new DataError(
      `${name}: ${(error as Error).message}. Nothing is written under a name that may be wrong; correct its ` +
        'SpecificCharacterSet.',
      { cause: error },
    )
  }
}

function open(content: Uint8Array, name: string): DicomFile {
  try {
    return readDicom(content)
  } catch (error) {
    throw new DataError(
      `${name} is no DICOM image (${(error as Error).message}): objects for a PACS need one, whose patient and study they ` +
        'belong to.',
      { cause: error },
    )
  }
}

/** Enhanced images have their region among the functional groups, which all frames or each frame has. */
function regionsOf(attributes: Attributes): string[] {
  const groups = [tags.SharedFunctionalGroupsSequence, tags.PerFrameFunctionalGroupsSequence]
    .flatMap((tag) => attributes.items(tag))
    .flatMap((group) => group.items(tags.FrameAnatomySequence))
  const stated = [attributes, ...groups]
    .flatMap((place) => place.items(tags.AnatomicRegionSequence))
    .map((region) => [tags.CodeValue, tags.CodeMeaning].map((tag) => region.text(tag) ?? '').join(' '))
  const said = [attributes.text(tags.BodyPartExamined) ?? '', ...stated].map((text) => text.trim())
  return [...new Set(said.filter((text) => text !== ''))]
}

function lossyOf({ attributes }: DicomFile): Dataset {
  if (attributes.text(tags.LossyImageCompression) !== '01') return {}
  const ratios = attributes
    .texts(tags.LossyImageCompressionRatio)
    .filter((text) => DECIMAL.test(text) && text.length <= 16)
  const methods = attributes.texts(tags.LossyImageCompressionMethod).filter((text) => text !== '')
  return {
    LossyImageCompression: '01',
    ...(ratios.length > 0 ? { LossyImageCompressionRatio: ratios } : {}),
    ...(methods.length > 0 ? { LossyImageCompressionMethod: methods } : {}),
  }
}
