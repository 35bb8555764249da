/** The few things that a report reads of a recipe, which it otherwise shows as it is. */
import { parse } from 'yaml'
import { z } from 'zod'
import type { ImageReading } from '../data/inspect/image-facts.js'
import { preprocessingShape } from '../data/preprocessing.js'
import type { Monitor } from './history.js'

const monitors = z.enum(['macro_auc', 'macro_average_precision', 'loss'])

const stageSchema = z.looseObject({
  recipe: z.looseObject({ training: z.looseObject({ monitor: monitors.optional() }).optional() }).nullish(),
})

const schema = z.looseObject({
  data: z
    .looseObject({
      set: z.record(z.string(), z.unknown()).nullish(),
      window: preprocessingShape.window,
      bits: preprocessingShape.bits,
    })
    .optional(),
  training: z.looseObject({ monitor: monitors.optional() }).optional(),
  stages: z.array(stageSchema).optional(),
})

export interface RecipeFacts {
  /** How the data set is read: the adapter's settings. */
  settings: Record<string, unknown> | undefined
  /** Which values become black and white, as the recipe has it. */
  reading: ImageReading
  /** What the best epoch of a stage is chosen by; `stage` from 0. */
  monitorOf(stage: number): Monitor
}

/** Of a recipe of any version: what is not there, or not as expected, has its default. */
export function recipeFacts(text: string | null): RecipeFacts {
  const parsed = schema.safeParse(text === null ? {} : contentOf(text))
  const { data, training, stages } = parsed.success ? parsed.data : {}
  return {
    settings: data?.set ?? undefined,
    reading: { window: data?.window ?? 'file', bits: data?.bits ?? null },
    monitorOf: (stage) => stages?.[stage]?.recipe?.training?.monitor ?? training?.monitor ?? 'macro_auc',
  }
}

function contentOf(text: string): unknown {
  try {
    return parse(text) as unknown
  } catch {
    return {}
  }
}
