import { z } from 'zod'

/** How one label's score becomes a calibrated probability. Every kind rises with the score, so ranks stay. */
const labelCalibrationSchema = z.discriminatedUnion('method', [
  /** `sigmoid(logit(score) / temperature)`. */
  z.strictObject({ method: z.literal('temperature'), temperature: z.number().positive() }),
  /** `sigmoid(slope * logit(score) + intercept)`. */
  z.strictObject({ method: z.literal('platt'), slope: z.number(), intercept: z.number() }),
  /** Straight lines between points; the first and the last value beyond them. */
  z
    .strictObject({
      method: z.literal('isotonic'),
      /** Rising. */
      scores: z.array(z.number()).nonempty(),
      /** Never falling, in [0, 1]. */
      probabilities: z.array(z.number().min(0).max(1)).nonempty(),
    })
    .refine(({ scores, probabilities }) => scores.length === probabilities.length, {
      message: 'scores and probabilities differ in number',
    }),
])

/**
 * Calibration of a model, one entry a label in the order of its labels; null for a label that the validation split
 * could say nothing about, whose score stays as it is. As model files hold it.
 */
export const calibrationSchema = z.array(labelCalibrationSchema.nullable())

export type LabelCalibration = z.infer<typeof labelCalibrationSchema>
export type Calibration = z.infer<typeof calibrationSchema>
export type CalibrationMethod = LabelCalibration['method']
