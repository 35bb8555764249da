/** What a report reads of `subgroups.json`. */
import { z } from 'zod'

const interval = z.tuple([z.number(), z.number()]).nullable()
const figure = z.object({ value: z.number().nullable(), interval })

/** Means over labels that can be measured in every group. */
const COMPARED = ['auc', 'average_precision', 'f1', 'brier', 'ece'] as const

export const subgroupsSchema = z.object({
  images: z.number(),
  attributes: z.array(
    z.object({
      name: z.string(),
      known: z.number(),
      comparable_labels: z.array(z.string()),
      groups: z.array(
        z.object({
          value: z.string(),
          images: z.number(),
          patients: z.number().nullable(),
          small: z.boolean(),
          notes: z.array(z.string()),
          comparable: z.record(z.enum(COMPARED), figure),
        }),
      ),
    }),
  ),
})

export type StoredSubgroups = z.infer<typeof subgroupsSchema>
export type StoredAttribute = StoredSubgroups['attributes'][number]
