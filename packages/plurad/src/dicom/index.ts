/**
 * Objects for a PACS: findings as structured reports, heat maps as secondary captures and parametric maps.
 *
 *     const source = readSource(content, 'image.dcm')
 *     const maker = new Maker({ algorithm: { name: 'chexnet', version: '1', parameters: [] } })
 *     const report = structuredReport(maker, { source, frame: 0, findings, codes: labelCodes() })
 */
export { labelCodes, readCodes, type Code, type CodedImage, type LabelCodes } from './codes.js'
export type { LabelHeatmap } from './heatmap.js'
export { Maker, type Algorithm, type MakerOptions } from './maker.js'
export { parametricMap, type MapOptions } from './parametric-map.js'
export { secondaryCapture, type CaptureOptions } from './secondary-capture.js'
export { readSource, type SourceImage } from './source.js'
export {
  structuredReport,
  type ReportedFinding,
  type ReportedKind,
  type ReportOptions,
} from './structured-report.js'
export { newUid, uidFrom } from './uid.js'
