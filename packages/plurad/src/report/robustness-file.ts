/** What a report reads of `robustness.json`. */
import { z } from 'zod'

const interval = z.tuple([z.number(), z.number()]).nullable()
const figure = z.object({ value: z.number().nullable(), interval })
const changed = figure.extend({ difference: z.number().nullable(), difference_interval: interval })

export const robustnessSchema = z.object({
  images: z.number(),
  /** On the images as they are. */
  plain: z.object({ auc: figure, average_precision: figure }),
  corruptions: z.array(
    z.object({
      name: z.string(),
      /** What the amounts are. */
      amount: z.string(),
      curve: z.array(
        z.object({ severity: z.number(), amount: z.number(), auc: changed, average_precision: changed }),
      ),
    }),
  ),
})

export type StoredRobustness = z.infer<typeof robustnessSchema>
