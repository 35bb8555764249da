/** What a recipe may say of the stage `ldrnet`. */
import { z } from 'zod'
import { COVARIANCES } from './gaussian-statistics.js'
import { SAMPLING_MODES } from './reverse-sampling.js'

export const optionsSchema = z.strictObject({
  /** 0 leaves the model as it is: stage 1 alone. */
  rounds: z.int().min(0).default(5),
  /** Rounds without a better value of `training.monitor` that are waited for; null for all of them. */
  patience: z.int().min(1).nullable().default(2),
  /** Steps of the classifier a round. */
  m_steps: z.int().min(1).default(500),
  /** Virtual images a step. */
  m_batch: z.int().min(1).default(128),
  /** Null for that of the recipe. */
  m_learning_rate: z.number().positive().nullable().default(null),
  /** Epochs of the rest of the network a round; 0 for none. */
  e_epochs: z.int().min(0).default(1),
  /** Which labels virtual images have, see `SAMPLING_MODES`. */
  sampling: z.enum(SAMPLING_MODES).default('balanced'),
  alpha: z.number().min(0).max(1).default(0.9),
  /** `balanced`: share of labels present, before clipping. */
  target: z.number().gt(0).lt(1).default(0.5),
  /** `balanced`: smallest share of virtual images with, and without, a label. */
  floor: z.number().gt(0).lt(0.5).default(0.05),
  /**
   * What the classifier takes labels to be as frequent as: virtual images, as published, or real ones: the difference of the
   * two logits is then added to its own in M-steps (Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021).
   */
  prior: z.enum(['virtual', 'real']).default('real'),
  /** Of the E-step's loss, generalised cross-entropy. */
  q: z.number().gt(0).max(1).default(0.8),
  covariance: z.enum(COVARIANCES).default('diagonal'),
  /** `full`: what is added to the diagonal, as a share of the mean variance. */
  epsilon: z.number().positive().default(1e-3),
})

export type Options = z.infer<typeof optionsSchema>
