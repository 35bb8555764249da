/**
 * The registry of findings. A new one is a drawing in `findings/` and a line here.
 *
 * `prevalence` is the share of images. `load` says which hidden causes a finding shares with others: the causes
 * are independent standard normals, and a finding is present where the weighted sum of its causes and its own
 * chance exceeds the threshold that gives its prevalence. Squares of the weights sum to less than 1.
 */
import { consolidation, edema, fibrosis, infiltration, pneumonia } from './findings/airspace.js'
import type { FindingDrawing } from './findings/finding.js'
import { cardiomegaly, hernia, mass, nodule } from './findings/focal.js'
import { atelectasis, effusion, emphysema, pleuralThickening, pneumothorax } from './findings/pleura.js'

/** Hidden causes; `illness` is what brings people to hospital and into bed, and is part of every finding. */
export const causes = ['illness', 'failure', 'infection', 'airways', 'collapse', 'tumour', 'scar'] as const
export type Cause = (typeof causes)[number]

/** The label names of NIH's ChestX-ray14, most frequent first. */
export type FindingName =
  | 'Infiltration'
  | 'Effusion'
  | 'Atelectasis'
  | 'Nodule'
  | 'Cardiomegaly'
  | 'Consolidation'
  | 'Mass'
  | 'Pneumothorax'
  | 'Pleural_Thickening'
  | 'Edema'
  | 'Emphysema'
  | 'Fibrosis'
  | 'Pneumonia'
  | 'Hernia'

export interface Finding extends FindingDrawing {
  name: FindingName
  prevalence: number
  load: Partial<Record<Cause, number>>
  /** Whether its boxes are written to the box table; diffuse findings have no place of their own. */
  localised: boolean
  /** Share of patients who have it on their right. */
  rightShare: number
}

export const findings: readonly Finding[] = [
  entry('Infiltration', 0.5, infiltration, { illness: 0.35, infection: 0.65 }),
  entry('Effusion', 0.23, effusion, { illness: 0.35, failure: 0.45, collapse: 0.55 }),
  entry('Atelectasis', 0.19, atelectasis, { illness: 0.35, collapse: 0.65 }),
  entry('Nodule', 0.1, nodule, { illness: 0.2, tumour: 0.55 }),
  entry('Cardiomegaly', 0.085, cardiomegaly, { illness: 0.35, failure: 0.75 }),
  entry('Consolidation', 0.07, consolidation, { illness: 0.35, infection: 0.55 }),
  entry('Mass', 0.055, mass, { illness: 0.25, tumour: 0.6 }),
  entry('Pneumothorax', 0.045, pneumothorax, { illness: 0.3, airways: 0.7 }),
  entry('Pleural_Thickening', 0.035, pleuralThickening, { illness: 0.3, scar: 0.6 }),
  entry('Edema', 0.03, edema, { illness: 0.4, failure: 0.7 }, false),
  entry('Emphysema', 0.024, emphysema, { illness: 0.25, airways: 0.75 }, false),
  entry('Fibrosis', 0.017, fibrosis, { illness: 0.3, scar: 0.6 }, false),
  entry('Pneumonia', 0.012, pneumonia, { illness: 0.35, infection: 0.65 }),
  entry('Hernia', 0.004, hernia, { illness: 0.2 }, true, 0),
]

function entry(
  name: FindingName,
  prevalence: number,
  drawing: FindingDrawing,
  load: Finding['load'],
  localised = true,
  rightShare = 0.55,
): Finding {
  return { name, prevalence, load, localised, rightShare, ...drawing }
}
