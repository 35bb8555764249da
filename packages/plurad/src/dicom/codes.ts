/** Codes of the concepts that objects name. */
import { createHash } from 'node:crypto'
import { csvParse } from 'd3-dsv'
import { DataError } from '../errors.js'
import type { SourceImage } from './source.js'
import { shortText, type Dataset } from './write.js'

export interface Code {
  /** At most 16 characters. */
  value: string
  /** The coding scheme: SCT (SNOMED CT), DCM (PS3.16), UCUM, RADLEX … */
  scheme: string
  /** At most 64 characters. */
  meaning: string
}

/** Concepts that no public scheme names. */
const PRIVATE_SCHEME = '99PLURAD'

/** What `PRIVATE_SCHEME` is, for objects that use it (PS3.3, C.12.1). */
export const privateScheme: Dataset = {
  CodingSchemeDesignator: PRIVATE_SCHEME,
  CodingSchemeName: 'Plurad labels',
  CodingSchemeResponsibleOrganization: 'Plurad',
}

export function item({ value, scheme, meaning }: Code): Dataset {
  return { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: shortText(meaning, 64) }
}

export const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning })
export const ucum = (value: string, meaning: string): Code => ({ value, scheme: 'UCUM', meaning })
export const own = (value: string, meaning: string): Code => ({ value, scheme: PRIVATE_SCHEME, meaning })
const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning })

/**
 * Findings of public data sets by their names there. Only where the label means what the concept does: labels such as NIH's
 * Infiltration or CheXpert's Lung Opacity, which stand for several, keep a private code.
 */
const findings = byKey([
  ['Atelectasis', sct('46621007', 'Atelectasis')],
  ['Cardiomegaly', sct('8186001', 'Cardiomegaly')],
  ['Pulmonary edema', sct('19242006', 'Pulmonary edema')],
  ['Pleural effusion', sct('60046008', 'Pleural effusion')],
  ['Pulmonary fibrosis', sct('51615001', 'Pulmonary fibrosis')],
  ['Fracture', sct('125605004', 'Fracture of bone')],
  ['Hiatal hernia', sct('84089009', 'Hiatal hernia')],
  ['Lung mass', sct('309529002', 'Lung mass')],
  ['Lung nodule', sct('786838002', 'Pulmonary nodule')],
  ['Pneumonia', sct('233604007', 'Pneumonia')],
  ['Pneumothorax', sct('36118008', 'Pneumothorax')],
  ['COVID-19', sct('840539006', 'COVID-19')],
  ['Age-related macular degeneration', sct('267718000', 'Age-related macular degeneration')],
  ['AMD', sct('267718000', 'Age-related macular degeneration')],
  ['Cataract', sct('193570009', 'Cataract')],
  ['Diabetic retinopathy', sct('4855003', 'Diabetic retinopathy')],
  ['Glaucoma', sct('23986001', 'Glaucoma')],
  ['Hypertensive retinopathy', sct('6962006', 'Hypertensive retinopathy')],
  ['Pathological myopia', sct('32022003', 'Degenerative progressive high myopia')],
])

/** What data sets of chest images call a finding of the lung by a word that stands for others elsewhere in the body. */
const chestFindings = byKey([
  ['Consolidation', sct('95436008', 'Lung consolidation')],
  ['Edema', sct('19242006', 'Pulmonary edema')],
  ['Effusion', sct('60046008', 'Pleural effusion')],
  ['Emphysema', sct('87433001', 'Pulmonary emphysema')],
  ['Fibrosis', sct('51615001', 'Pulmonary fibrosis')],
  ['Mass', sct('309529002', 'Lung mass')],
  ['Nodule', sct('786838002', 'Pulmonary nodule')],
])

/** Words and codes (SNOMED CT, and RT as older files have it) by which files say chest or lung. */
const CHEST = new Set(
  (
    'CHEST THORAX LUNG LUNGS PULMONARY PLEURA TORAX TORACE POUMON LUNGE ' +
    '51185008 816094009 39607008 74101002 3341006 44029006 43799004 T-D3000 T-28000 T-29000'
  ).split(' '),
)

/** Words of a further part of the body beside the chest, whose masses and effusions are others. */
const BESIDE = new Set('ABDOMEN PELVIS NECK SPINE BREAST WALL'.split(' '))

/** Images of which those that say no part of the body are taken for the chest's that the labels come from. */
const RADIOGRAPHS = new Set(['CR', 'DX', 'RG', 'CT'])

/** What a code may depend on besides the label. */
export type CodedImage = Pick<SourceImage, 'modality' | 'regions'>

/** Codes of labels: a user's, those of public data sets, private ones. */
export type LabelCodes = (label: string, image: CodedImage) => Code

/** @param given of a user, which come first */
export function labelCodes(given: ReadonlyMap<string, Code> = new Map()): LabelCodes {
  return (label, image) => {
    const key = keyOf(label)
    const known = findings.get(key) ?? (showsChest(image) ? chestFindings.get(key) : undefined)
    return given.get(key) ?? known ?? privateCode(label)
  }
}

/** Whether everything that the file says of the part of the body says chest; where nothing does, by the modality. */
function showsChest({ modality, regions }: CodedImage): boolean {
  if (regions.length === 0) return RADIOGRAPHS.has(modality)
  return regions.every((region) => {
    const words = region.toUpperCase().split(/[^\p{L}\p{N}-]+/u)
    return words.some((word) => CHEST.has(word)) && !words.some((word) => BESIDE.has(word))
  })
}

function byKey(entries: readonly (readonly [string, Code])[]): ReadonlyMap<string, Code> {
  return new Map(entries.map(([name, code]) => [keyOf(name), code]))
}

/**
 * A user's codes from a table with the columns `label`, `code`, `scheme` and `meaning`.
 *
 * @param file for messages
 * @throws DataError where a column, a value or a length does not fit
 */
export function readCodes(text: string, file: string): Map<string, Code> {
  const table = csvParse(text)
  const columns = ['label', 'code', 'scheme', 'meaning'] as const
  const missing = columns.filter((column) => !table.columns.includes(column))
  if (missing.length > 0) {
    throw new DataError(
      `${file} has no column ${missing.join(' and no ')}: expected ${columns.join(',')} in its first line.`,
    )
  }
  const codes = new Map<string, Code>()
  for (const [at, row] of table.entries()) {
    const [label, value, scheme, meaning] = columns.map((column) => (row[column] ?? '').trim())
    const refuse = (why: string): never => {
      throw new DataError(`${file}, line ${at + 2}: ${why}.`)
    }
    if ([label, value, scheme, meaning].includes(''))
      refuse('an empty value, where all four columns are needed')
    if (value.length > 16) refuse(`the code ${value} has more than 16 characters`)
    if (scheme.length > 16) refuse(`the coding scheme ${scheme} has more than 16 characters`)
    if (codes.has(keyOf(label))) refuse(`a second code for ${label}`)
    codes.set(keyOf(label), { value, scheme, meaning })
  }
  return codes
}

/** Letters and digits alone: `Pleural_Effusion` is `pleural effusion`. */
function keyOf(label: string): string {
  return label.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** The label itself where it is short enough for a code, else its beginning and a part of its SHA-256. */
function privateCode(label: string): Code {
  const plain = label.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')
  const isPlain = plain.length <= 16 && /[A-Z0-9]/.test(plain)
  const digest = createHash('sha256').update(label).digest('hex')
  return own(isPlain ? plain : `${plain.slice(0, 9)}_${digest.slice(0, 6)}`.toUpperCase(), label)
}
