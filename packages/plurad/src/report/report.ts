import { join } from 'node:path'
import { writeFileAtomic } from '../files.js'
import { html, type Html } from './html.js'
import { loadRun, type RunContents } from './load.js'
import { renderPage, type Section } from './page.js'
import { coOccurrenceSection, frequencySection } from './sections/data.js'
import { headerSection, headlineMetrics, SPLIT_NAMES } from './sections/header.js'
import { labelTable } from './sections/label-table.js'
import { reproduceSection } from './sections/reproduce.js'
import { rocSection } from './sections/roc.js'
import { summarySection } from './sections/summary.js'
import { trainingSection } from './sections/training.js'

/**
 * The report of a run as one HTML page that needs nothing else: no network, no script, no other file. It
 * holds whatever the run folder has and says what is missing, so a run may still be going. No image and
 * no patient is named in it.
 *
 * @throws RunError when the folder does not exist.
 */
export async function renderReport(runFolder: string): Promise<string> {
  const run = await loadRun(runFolder)
  const sections = await sectionsOf(run)
  return renderPage({
    title: `${run.name} – Plurad run report`,
    header: headerSection(run, sections),
    sections,
    footer:
      'Research use. Numbers describe this data and split; they say nothing of other hospitals, devices or patients.',
  })
}

/**
 * Renders the report and writes it to `report.html` in the run folder, whole or not at all.
 *
 * @returns The file's path.
 */
export async function writeReport(runFolder: string): Promise<string> {
  const file = join(runFolder, 'report.html')
  await writeFileAtomic(file, await renderReport(runFolder))
  return file
}

/** The sections for which the run has something to show, in the order of the page. */
async function sectionsOf(run: RunContents): Promise<Section[]> {
  const sections: Section[] = [{ id: 'summary', title: 'Summary', body: summarySection(run) }]
  const add = (id: string, title: string, body: Html) => sections.push({ id, title, body })
  const found = headlineMetrics(run)
  if (found) {
    const title = `Every label, ${SPLIT_NAMES[found.split].toLowerCase()} split`
    add(
      'labels',
      title,
      html`<p class="note">${tableNote(found.split)}</p>
        ${labelTable(found.metrics)}`,
    )
  }
  const split = run.predictions.test ? 'test' : 'val'
  const predictions = run.predictions[split]
  if (predictions) add('roc', 'ROC curves', await rocSection(split, predictions))
  if (run.history.length > 0) add('training', 'Training', await trainingSection(run.history))
  if (run.splits && run.splits.labels.length > 0) {
    add('frequencies', 'Label frequencies', await frequencySection(run.splits))
    add('co-occurrence', 'Labels that come together', await coOccurrenceSection(run.splits))
  }
  add('reproduce', 'Reproduce', reproduceSection(run))
  return sections
}

function tableNote(split: 'test' | 'val'): string {
  const tuned =
    split === 'test'
      ? 'Thresholds were tuned for F1 on the validation split.'
      : 'Thresholds were tuned on this same split, so F1, precision and recall flatter.'
  return `${tuned} Average precision of a useless model equals the share of positives. A bar under an AUC starts at chance, 0.5.`
}
