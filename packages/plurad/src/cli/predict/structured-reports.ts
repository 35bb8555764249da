/** `--sr`: what was found in each DICOM image, as a structured report for the archive that the image came from. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { splitReference } from '../../data/formats/decode.js'
import {
  labelCodes,
  Maker,
  readCodes,
  readSource,
  structuredReport,
  type LabelCodes,
} from '../../dicom/index.js'
import { DataError } from '../../errors.js'
import { makeFolder, writeFileAtomic } from '../../files.js'
import { algorithmOf, ensembleOf } from './algorithm.js'
import { isUnlike, resultsOf, type Outcome } from './results.js'

export interface ReportPlan {
  folder: string
  /** The file of each image reference. */
  files: ReadonlyMap<string, string>
  codes: LabelCodes
}

/**
 * Before hours of prediction: which files there will be, and that none is in the way.
 *
 * @param codesFile a user's codes of labels
 * @throws DataError where a file exists already, or the codes cannot be read
 */
export async function planReports(
  images: readonly string[],
  folder: string,
  codesFile: string | undefined,
): Promise<ReportPlan> {
  const codes = labelCodes(
    codesFile === undefined ? undefined : readCodes(await contentOf(codesFile), codesFile),
  )
  const files = new Map<string, string>()
  const taken = new Set<string>()
  for (const image of images) {
    if (files.has(image)) continue
    const { path, part } = splitReference(image)
    const stem = `${basename(path).replace(/\.(dcm|dicom)$/i, '')}${part === null ? '' : `-${part}`}`
    let name = `${stem}.sr.dcm`
    for (let count = 2; taken.has(name); count++) name = `${stem}-${count}.sr.dcm`
    taken.add(name)
    const file = join(folder, name)
    if (existsSync(file))
      throw new DataError(`${file} exists: a report is not written over. Name another folder with --sr.`)
    files.set(image, file)
  }
  makeFolder(folder)
  return { folder, files, codes }
}

/**
 * Writes a report for each image; those that are no DICOM are named on standard error, with exit code 1.
 *
 * @param models that the outcome is of: run folders or model files
 */
export async function writeReports(
  outcome: Outcome,
  { folder, files, codes }: ReportPlan,
  models: readonly string[],
): Promise<void> {
  const algorithm = models.length > 1 ? await ensembleOf(models) : algorithmOf(outcome.info, outcome.views)
  const maker = new Maker({ algorithm })
  let written = 0
  for (const { image, findings, outOfDistribution, warning } of resultsOf(outcome)) {
    const { path, part } = splitReference(image)
    try {
      const source = readSource(await readFile(path), path)
      const report = structuredReport(maker, {
        source,
        frame: Number(part ?? 0),
        codes,
        findings: findings.map(({ label, probability, calibrated, threshold }) => ({
          label,
          probability: calibrated ?? probability,
          threshold,
        })),
        kind:
          outOfDistribution === null ? null : { ...outOfDistribution, isUnlike: isUnlike(outOfDistribution) },
        remarks: warning === null ? [] : [`Warning: ${warning}`],
      })
      await writeFileAtomic(files.get(image) ?? join(folder, `${basename(path)}.sr.dcm`), report)
      written++
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      process.stderr.write(`plurad: no structured report: ${error.message}\n`)
      process.exitCode = 1
    }
  }
  process.stderr.write(`${folder}: ${written} structured report${written === 1 ? '' : 's'}\n`)
}

async function contentOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  })
}
