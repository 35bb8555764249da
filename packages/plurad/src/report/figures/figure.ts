/** What every figure of a report is: drawn panels, and the numbers that were drawn. */
import type { Html } from '../html.js'

/** One drawing; a figure of small multiples has one a label. */
export interface Panel {
  /** Above the drawing; '' for a figure that needs none. */
  title: string
  /** Beside the title, such as the area under a curve. */
  value?: string
  svg: Html
}

export interface Figure {
  /** Of its files, without ending, such as `roc`. */
  name: string
  title: string
  panels: readonly Panel[]
  /** What was drawn, as a table. */
  columns: readonly string[]
  rows: readonly (readonly (string | number | null)[])[]
}
