import { join } from 'node:path'
import { writeFileAtomic } from '../files.js'
import type { Predictions } from '../metrics/predictions.js'
import { runPictures, type NoPictures, type PictureSource } from './cases/pictures.js'
import { evaluatedSplit, type Evaluated } from './evaluated.js'
import type { Figure } from './figures/figure.js'
import { writeFigures } from './figures/files.js'
import type { Html } from './html.js'
import { emptyContents, loadRun, type RunContents } from './load.js'
import { readMembers } from './members.js'
import { parseMetrics } from './metrics-file.js'
import { renderPage, type Section } from './page.js'
import { calibrationSection } from './sections/calibration.js'
import { casesSection } from './sections/cases.js'
import { confusionSection } from './sections/confusion.js'
import { precisionRecallSection, rocSection } from './sections/curves.js'
import { coOccurrenceSection, dataSection, frequencySection } from './sections/data.js'
import { ensembleSection } from './sections/ensemble.js'
import { headerSection } from './sections/header.js'
import { labelTableSection } from './sections/label-table.js'
import { normsSection } from './sections/norms.js'
import { reproduceSection } from './sections/reproduce.js'
import { robustnessSection } from './sections/robustness.js'
import { subgroupSection } from './sections/subgroups.js'
import { summarySection } from './sections/summary.js'
import { tailSection } from './sections/tail.js'
import { trainingSection } from './sections/training.js'
import type { StoredRobustness } from './robustness-file.js'
import type { StoredSubgroups } from './subgroups-file.js'
import { splitWords } from './words.js'

export interface ReportOptions {
  /** Images and patients are named. */
  withIds?: boolean | undefined
  /** Without the small pictures of best and worst cases, which are pictures of patients. */
  withoutPictures?: boolean | undefined
}

export interface Report {
  page: string
  figures: Figure[]
}

/**
 * The report of a run as one HTML page that needs nothing else: no network and no other file. It holds whatever the run
 * folder has and says what is missing, so a run may still be going; an ensemble's and an evaluation's folder do too. No
 * image and no patient is named in it unless that is wanted.
 *
 * @throws RunError when the folder does not exist.
 */
export async function renderReport(runFolder: string, options: ReportOptions = {}): Promise<Report> {
  const run = await loadRun(runFolder)
  return render(run, options.withoutPictures === true ? NOT_WANTED : () => runPictures(run), options)
}

/**
 * Renders the report and writes it to `report.html` in the run folder, whole or not at all.
 *
 * @param figures A folder for every figure as SVG, PNG and CSV.
 * @returns The page's path.
 */
export async function writeReport(
  runFolder: string,
  { figures: folder, ...options }: ReportOptions & { figures?: string | undefined } = {},
): Promise<string> {
  const { page, figures } = await renderReport(runFolder, options)
  const file = join(runFolder, 'report.html')
  await writeFileAtomic(file, page)
  if (folder !== undefined) await writeFigures(folder, figures)
  return file
}

/** An evaluation that is not of a run folder: what it was made of, and how it came out. */
export interface Evaluation {
  /** What was judged, for the title. */
  name: string
  /** As they were judged: calibrated, where that was asked for. */
  predictions: Predictions
  /** As `metrics.json` of an evaluation has them. */
  metrics: object
  /** As `subgroups.json` has them. */
  subgroups?: StoredSubgroups | null | undefined
  /** As `robustness.json` has it. */
  robustness?: StoredRobustness | null | undefined
  /** [C] positive training images, where they are known. */
  trainingCounts?: readonly number[] | null | undefined
  /** As `environment.json` of a run has it: command, versions, data set and its fingerprint. */
  environment: object
  /** Where the pixels are, or why there are none. */
  pictures?: PictureSource | NoPictures | undefined
}

/**
 * Writes the report of an evaluation, also of predictions that were made elsewhere.
 *
 * @param file The page's path.
 * @throws RunError where it cannot be written.
 */
export async function writeEvaluationReport(
  file: string,
  { name, predictions, metrics, environment, pictures, ...found }: Evaluation,
  { figures: folder, ...options }: ReportOptions & { figures?: string | undefined } = {},
): Promise<void> {
  const run: RunContents = {
    ...emptyContents(name),
    metrics: parseMetrics(metrics),
    predictions: { test: null, val: null, given: predictions },
    subgroups: found.subgroups ?? null,
    robustness: found.robustness ?? null,
    trainingCounts: found.trainingCounts ?? null,
    environment: { ...environment },
  }
  const source = pictures ?? { reason: 'The predictions came without their images.' }
  const { page, figures } = await render(
    run,
    options.withoutPictures === true ? NOT_WANTED : () => Promise.resolve(source),
    options,
  )
  await writeFileAtomic(file, page)
  if (folder !== undefined) await writeFigures(folder, figures)
}

const NOT_WANTED = (): Promise<NoPictures> =>
  Promise.resolve({ reason: 'This report was made without them.' })

async function render(
  run: RunContents,
  pictures: () => Promise<PictureSource | NoPictures>,
  { withIds = false }: ReportOptions,
): Promise<Report> {
  const evaluated = evaluatedSplit(run)
  const sections = await sectionsOf(run, evaluated, pictures, withIds)
  const page = renderPage({
    title: `${run.name} – Plurad report`,
    header: headerSection(run, evaluated, sections),
    sections,
    footer:
      'Research use. Numbers describe this data and split; they say nothing of other hospitals, devices or patients.',
    pictures: true,
  })
  return { page, figures: sections.flatMap(({ figures }) => figures ?? []) }
}

/** The sections for which the run has something to show, in the order of the page. */
async function sectionsOf(
  run: RunContents,
  evaluated: Evaluated | null,
  pictures: () => Promise<PictureSource | NoPictures>,
  withIds: boolean,
): Promise<Section[]> {
  const sections: Section[] = []
  const add = (id: string, title: string, made: Html | { body: Html; figures: Figure[] } | null): void => {
    if (made === null) return
    sections.push({ id, title, ...('body' in made ? made : { body: made }) })
  }
  const { splits } = run
  add('summary', 'Summary', summarySection(run, evaluated))
  add('data', 'Data and split', dataSection(run))
  if (evaluated !== null) {
    add('labels', `Every label, ${splitWords(evaluated)}`, labelTableSection(evaluated))
    add('tail', 'Head, medium and tail', await tailSection(evaluated))
    add('roc', 'ROC curves', await rocSection(evaluated))
    add('precision-recall', 'Precision-recall curves', await precisionRecallSection(evaluated))
    add('confusion', 'Decisions', await confusionSection(evaluated))
    add('calibration', 'Calibration', await calibrationSection(evaluated))
  }
  if (run.subgroups !== null) add('subgroups', 'Subgroups', await subgroupSection(run.subgroups))
  if (run.robustness !== null) {
    add('robustness', 'Robustness', await robustnessSection(run.robustness))
  }
  if (evaluated?.measured) {
    add(
      'cases',
      'Best and worst cases',
      await casesSection(evaluated, { pictures: await pictures(), withIds }),
    )
  }
  if (run.stages.length > 0) add('training', 'Training', await trainingSection(run.stages))
  if (run.norms !== null) add('norms', 'Classifier norms', await normsSection(run.norms))
  if (run.ensemble !== null) {
    add(
      'members',
      'Ensemble members',
      ensembleSection(run.ensemble, await readMembers(run.ensemble, run.folder)),
    )
  }
  if (splits !== null && splits.labels.length > 0) {
    add('frequencies', 'Label frequencies', await frequencySection(splits))
    add('co-occurrence', 'Labels that come together', await coOccurrenceSection(splits))
  }
  add('reproduce', 'Reproduce', reproduceSection(run))
  return sections
}
