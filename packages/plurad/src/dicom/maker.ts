/** What all objects of one prediction have in common: who made them, when, and which series they are in. */
import { newUid } from './uid.js'
import type { SourceImage } from './source.js'
import { shortText, type Dataset } from './write.js'

/** A trained model as the objects name it (PS3.16, TID 4019). */
export interface Algorithm {
  /** Such as the recipe's name. */
  name: string
  version: string
  /** One a line, such as `backbone=densenet121`. */
  parameters: readonly string[]
}

export interface MakerOptions {
  algorithm: Algorithm
  /** When the objects are made; left out: now. */
  now?: Date
  /** Left out: random ones. */
  newUid?: () => string
}

/** What there is one series of, for each study. */
export type SeriesKind = 'report' | 'heatmap' | 'map'

const MANUFACTURER = 'Plurad'

const SERIES: Readonly<Record<SeriesKind, { number: number; description: string }>> = {
  report: { number: 9001, description: 'Plurad findings' },
  heatmap: { number: 9002, description: 'Plurad heat maps' },
  map: { number: 9003, description: 'Plurad heat maps, values' },
}

export class Maker {
  readonly algorithm: Algorithm
  readonly newUid: () => string
  readonly #now: Date
  readonly #series = new Map<string, { uid: string; instances: number }>()

  constructor({ algorithm, now = new Date(), newUid: uids = newUid }: MakerOptions) {
    this.algorithm = algorithm
    this.newUid = uids
    this.#now = now
  }

  /**
   * Attributes of Patient, General Study, General Series, General Equipment and SOP Common for a new object.
   *
   * @param apart what keeps objects of one kind and study out of each other's series
   */
  common(source: SourceImage, kind: SeriesKind, sopClassUid: string, modality: string, apart = '') {
    const { number, description } = SERIES[kind]
    const key = `${source.studyInstanceUid} ${kind} ${apart}`
    const series = this.#series.get(key) ?? { uid: this.newUid(), instances: 0 }
    series.instances++
    this.#series.set(key, series)
    const { date, time } = this.timestamp(source)
    return {
      SpecificCharacterSet: 'ISO_IR 192',
      SOPClassUID: sopClassUid,
      SOPInstanceUID: this.newUid(),
      ...source.patientAndStudy,
      StudyInstanceUID: source.studyInstanceUid,
      ...(source.timezone === null ? {} : { TimezoneOffsetFromUTC: source.timezone }),
      InstanceCreationDate: date,
      InstanceCreationTime: time,
      Modality: modality,
      SeriesInstanceUID: series.uid,
      SeriesNumber: String(number),
      SeriesDescription: description,
      SeriesDate: date,
      SeriesTime: time,
      InstanceNumber: String(series.instances),
      ContentDate: date,
      ContentTime: time,
      Manufacturer: MANUFACTURER,
      ManufacturerModelName: shortText(this.algorithm.name, 64),
      SoftwareVersions: shortText(this.algorithm.version, 64),
      DeviceSerialNumber: shortText(this.algorithm.version, 64),
    }
  }

  /** `YYYYMMDD` and `HHMMSS`, in the time zone of the source image or else of this machine. */
  timestamp({ timezone }: Pick<SourceImage, 'timezone'>): { date: string; time: string } {
    const given = /^([+-])(\d\d)(\d\d)$/.exec(timezone ?? '')
    const minutes =
      given === null
        ? -this.#now.getTimezoneOffset()
        : (given[1] === '-' ? -1 : 1) * (60 * Number(given[2]) + Number(given[3]))
    const text = new Date(this.#now.getTime() + 60_000 * minutes).toISOString().replaceAll(/[-:]/g, '')
    return { date: text.slice(0, 8), time: text.slice(9, 15) }
  }
}

/** The source image as others refer to it; with its frame where it has several. */
export function referenceTo(source: SourceImage, frame: number): Dataset {
  return {
    ReferencedSOPClassUID: source.sopClassUid,
    ReferencedSOPInstanceUID: source.sopInstanceUid,
    ...(source.frames > 1 ? { ReferencedFrameNumber: String(frame + 1) } : {}),
  }
}

/** Parts of the body of which there is one: their images have no laterality (PS3.3, C.7.3.1). */
const UNPAIRED = new Set(
  'ABDOMEN BRAIN CHEST CSPINE HEAD HEART LSPINE NECK PELVIS SKULL SPINE SSPINE TSPINE WHOLEBODY'.split(' '),
)

/** Attributes that images made from the source image take over, of its side of the body and its compression. */
export function inherited({ laterality, bodyPart, orientation, lossy }: SourceImage): Dataset {
  const unknown: Dataset = UNPAIRED.has(bodyPart ?? '') ? {} : { Laterality: '' }
  return {
    ...(laterality === null ? unknown : { ImageLaterality: laterality }),
    ...(bodyPart === null ? {} : { BodyPartExamined: bodyPart }),
    PatientOrientation: orientation,
    ...lossy,
  }
}
