import type { RowSummary, ValueCounts } from '../../data/inspect/row-summary.js'
import { formatCount, formatPlural } from '../format.js'
import { html, type Html } from '../html.js'
import { countBars, type Bar } from './figures.js'
import { barFigures, pairs, type TitledBars } from './parts.js'
import { ageText, SHOWN_VALUES, valuesText } from './words.js'

/** Who is in the data set, and how they were imaged. */
export async function patientSection(rows: RowSummary): Promise<Html> {
  const { age, sex, view, patients, rows_without_patient: without } = rows
  const facts: [string, string][] = [['Patients', patientText(rows)]]
  if (patients !== null && without > 0) facts.push(['Without a patient', formatPlural(without, 'row')])
  facts.push(['Age', ageText(age)], ['Sex', valuesText(sex)], ['View', valuesText(view)])
  const decades = age.decades.map((value, decade) => ({ name: String(10 * decade), value }))
  const figures: TitledBars[] = [
    { title: 'Rows a patient', bars: countBars(rows.rows_a_patient, 1), x: 'rows', y: 'patients' },
    { title: 'Age', bars: decades, x: 'years, by decade', y: 'rows' },
    { title: 'View', bars: barsOf(view), x: 'view', y: 'rows' },
  ]
  return html`${pairs(facts)} ${await barFigures(figures.filter(({ bars }) => bars.length > 1))}`
}

function patientText({
  patients,
  patients_with_several: several,
  most_rows_of_a_patient: most,
}: RowSummary): string {
  if (patients === null) return 'no row names one'
  return `${formatCount(patients)}, ${formatCount(several)} with several rows, at most ${formatCount(most)}`
}

/** The most frequent values of a column. */
function barsOf({ values }: ValueCounts): Bar[] {
  return values.slice(0, SHOWN_VALUES).map(({ value, rows }) => ({ name: value, value: rows }))
}
