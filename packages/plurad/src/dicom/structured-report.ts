/**
 * The findings of one image as a Comprehensive SR with the template Measurement Report (PS3.16, TID 1500): a group of
 * measurements a label, with the finding's code, its probability, the threshold and the decision.
 */
import { dcm, own, privateScheme, ucum, type Code, type LabelCodes } from './codes.js'
import { code, container, image, number, text, uidRef } from './content.js'
import { referenceTo, type Algorithm, type Maker } from './maker.js'
import type { SourceImage } from './source.js'
import { uidFrom } from './uid.js'
import { writeDicom, type Dataset } from './write.js'

const COMPREHENSIVE_SR = '1.2.840.10008.5.1.4.1.1.88.33'

export interface ReportedFinding {
  label: string
  /** In [0, 1]; calibrated where the model is. */
  probability: number
  /** Probability from which it counts as present; null where there is none. */
  threshold: number | null
}

export interface ReportOptions {
  source: SourceImage
  /** Of the source image, from 0. */
  frame: number
  findings: readonly ReportedFinding[]
  codes: LabelCodes
  /** How far the image is from those that the model knows; null or left out where it cannot say. */
  kind?: ReportedKind | null
  /** What else there is to know of the image, such as that it is in colour and the model looks at grey values. */
  remarks?: readonly string[]
}

export interface ReportedKind {
  /** Distance from the training images; 99 of 100 validation images stay below 1. */
  score: number
  /** Per cent of the validation images that are nearer, [0, 100]. */
  percentile: number
  /** Whether the image counts as of another kind. */
  isUnlike: boolean
}

const unity = ucum('1', 'no units')
const names = {
  report: dcm('126000', 'Imaging Measurement Report'),
  language: dcm('121049', 'Language of Content Item and Descendants'),
  observerType: dcm('121005', 'Observer Type'),
  device: dcm('121007', 'Device'),
  observerUid: dcm('121012', 'Device Observer UID'),
  observerName: dcm('121013', 'Device Observer Name'),
  observerManufacturer: dcm('121014', 'Device Observer Manufacturer'),
  procedure: dcm('121058', 'Procedure reported'),
  library: dcm('111028', 'Image Library'),
  libraryGroup: dcm('126200', 'Image Library Group'),
  measurements: dcm('126010', 'Imaging Measurements'),
  group: dcm('125007', 'Measurement Group'),
  trackingIdentifier: dcm('112039', 'Tracking Identifier'),
  trackingUid: dcm('112040', 'Tracking Unique Identifier'),
  algorithmName: dcm('111001', 'Algorithm Name'),
  algorithmVersion: dcm('111003', 'Algorithm Version'),
  algorithmParameters: dcm('111002', 'Algorithm Parameters'),
  finding: dcm('121071', 'Finding'),
  probability: dcm('111012', 'Certainty of Finding'),
  threshold: own('THRESHOLD', 'Probability from which a finding counts as present'),
  presence: dcm('121052', 'Presence of property'),
  present: dcm('121053', 'Present'),
  absent: dcm('121054', 'Absent'),
  source: dcm('121112', 'Source of Measurement'),
  evaluations: { value: 'C0034375', scheme: 'UMLS', meaning: 'Qualitative Evaluations' },
  kind: own('KIND_OF_IMAGE', 'Whether the image is of a kind that the model knows'),
  like: own('KIND_LIKE', 'Like the images that the model knows'),
  unlike: own('KIND_UNLIKE', 'Unlike the images that the model knows'),
  comment: dcm('121106', 'Comment'),
} satisfies Record<string, Code>

const english: Code = { value: 'en', scheme: 'RFC5646', meaning: 'English' }
const imaging: Code = { value: '363679005', scheme: 'SCT', meaning: 'Imaging procedure' }

/** The content of a DICOM file. */
export function structuredReport(
  maker: Maker,
  { source, frame, findings, codes, kind = null, remarks = [] }: ReportOptions,
): Uint8Array {
  const common = maker.common(source, 'report', COMPREHENSIVE_SR, 'SR')
  const reference = referenceTo(source, frame)
  const root = container(
    {
      relationship: 'CONTAINS',
      name: names.report,
      content: [
        code({ relationship: 'HAS CONCEPT MOD', name: names.language }, english),
        code({ relationship: 'HAS OBS CONTEXT', name: names.observerType }, names.device),
        uidRef({ relationship: 'HAS OBS CONTEXT', name: names.observerUid }, deviceUid(maker.algorithm)),
        text({ relationship: 'HAS OBS CONTEXT', name: names.observerName }, maker.algorithm.name),
        text({ relationship: 'HAS OBS CONTEXT', name: names.observerManufacturer }, 'Plurad'),
        code({ relationship: 'HAS CONCEPT MOD', name: names.procedure }, imaging),
        container({
          relationship: 'CONTAINS',
          name: names.library,
          content: [
            container({
              relationship: 'CONTAINS',
              name: names.libraryGroup,
              content: [image({ relationship: 'CONTAINS' }, reference)],
            }),
          ],
        }),
        container({
          relationship: 'CONTAINS',
          name: names.measurements,
          content: findings.map((finding) => group(finding, codes(finding.label, source), reference, maker)),
        }),
        ...evaluations(kind, remarks),
      ],
    },
    '1500',
  )
  const { RelationshipType: _, ...document } = root
  return writeDicom({
    ...common,
    CodingSchemeIdentificationSequence: privateScheme,
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    CurrentRequestedProcedureEvidenceSequence: evidence(source),
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ...document,
  })
}

/** One label (TID 1501). */
function group(
  { label, probability, threshold }: ReportedFinding,
  concept: Code,
  reference: Dataset,
  { algorithm, newUid }: Maker,
): Dataset {
  const from = image({ relationship: 'INFERRED FROM', name: names.source }, reference)
  const measured = (name: Code, value: number, content: readonly Dataset[] = []): Dataset =>
    number({ relationship: 'CONTAINS', name, content }, value, unity)
  return container({
    relationship: 'CONTAINS',
    name: names.group,
    content: [
      text({ relationship: 'HAS OBS CONTEXT', name: names.trackingIdentifier }, label),
      uidRef({ relationship: 'HAS OBS CONTEXT', name: names.trackingUid }, newUid()),
      code({ relationship: 'CONTAINS', name: names.finding }, concept),
      ...identification(algorithm),
      measured(names.probability, probability, [from]),
      ...(threshold === null
        ? []
        : [
            measured(names.threshold, threshold),
            code(
              { relationship: 'CONTAINS', name: names.presence },
              probability >= threshold ? names.present : names.absent,
            ),
          ]),
    ],
  })
}

/** What bears on all findings (TID 1500, rows 12 to 14). */
function evaluations(kind: ReportedKind | null, remarks: readonly string[]): Dataset[] {
  const comment = (sentence: string): Dataset =>
    text({ relationship: 'CONTAINS', name: names.comment }, sentence)
  const content = [
    ...(kind === null
      ? []
      : [
          code({ relationship: 'CONTAINS', name: names.kind }, kind.isUnlike ? names.unlike : names.like),
          comment(describeKind(kind)),
        ]),
    ...remarks.map(comment),
  ]
  return content.length === 0
    ? []
    : [container({ relationship: 'CONTAINS', name: names.evaluations, content })]
}

function describeKind({ score, percentile, isUnlike }: ReportedKind): string {
  const distance =
    `distance ${score.toFixed(2)}, where 99 of 100 validation images of the model stay below 1 ` +
    `(percentile ${percentile.toFixed(1)})`
  return isUnlike
    ? `Unlike the images that the model knows: ${distance}. The probabilities may mean nothing.`
    : `Like the images that the model knows: ${distance}.`
}

/** TID 4019. */
function identification({ name, version, parameters }: Algorithm): Dataset[] {
  return [
    text({ relationship: 'HAS CONCEPT MOD', name: names.algorithmName }, name),
    text({ relationship: 'HAS CONCEPT MOD', name: names.algorithmVersion }, version),
    ...parameters.map((one) =>
      text({ relationship: 'HAS CONCEPT MOD', name: names.algorithmParameters }, one),
    ),
  ]
}

/** The same for the same model, or models, used the same way. */
function deviceUid({ name, version, parameters }: Algorithm): string {
  return uidFrom([name, version, ...parameters].join('\n'))
}

function evidence(source: SourceImage): Dataset {
  return {
    StudyInstanceUID: source.studyInstanceUid,
    ReferencedSeriesSequence: {
      SeriesInstanceUID: source.seriesInstanceUid,
      ReferencedSOPSequence: {
        ReferencedSOPClassUID: source.sopClassUid,
        ReferencedSOPInstanceUID: source.sopInstanceUid,
      },
    },
  }
}
