/** How a method of explanation is written: its options' types reach its function. */
import type { Tensor } from '@plurad/torch'
import { z } from 'zod'
import type { Classifier, SideInput } from '../../models/classifier.js'
import type { Completeness } from '../explained.js'
import type { Heatmap, Resolution } from '../heatmap.js'

/** What is to be explained: the logits of some labels for one image. */
export interface Question {
  /** In evaluation mode. */
  model: Classifier
  /** Normalised, [1, C, H, W]; one more dimension in volumes. */
  pixels: Tensor
  side: SideInput
  /** Places of the labels among the model's. */
  labels: readonly number[]
  /** Stage of the backbone whose map is looked at, from 1; null for the last that the logits depend on. */
  stage: number | null
}

export interface Answer {
  /** One a label of the question. */
  heatmaps: Heatmap[]
  /** Stage that was looked at; null for methods that look at none. */
  stage: number | null
  /** One a label, for methods that promise it. */
  completeness?: Completeness[]
}

/** One method of the registry. */
export interface MethodEntry {
  /** For people. */
  title: string
  paper: string
  /** What the values are, in a few words: the legend of the pictures. */
  unit: string
  options: z.ZodObject
  /** Whether it gives a value for each position of a feature map or for each pixel. */
  resolution: Resolution
  explain: (question: Question, options: unknown) => Answer
}

export function defineMethod<Options extends z.ZodObject>(
  entry: Omit<MethodEntry, 'options' | 'explain'> & {
    options: Options
    explain: (question: Question, options: z.infer<Options>) => Answer
  },
): MethodEntry {
  const { options, explain } = entry
  return { ...entry, explain: (question, raw) => explain(question, options.parse(raw)) }
}

/** Options of methods that have none. */
export const noOptions = z.strictObject({})
