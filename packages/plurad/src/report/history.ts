import { z } from 'zod'

const quantity = z.number().nullish()

const epochSchema = z.object({
  /** Of a run of several stages, such as `2-crt`. */
  stage: z.string().nullish(),
  epoch: z.number(),
  step: quantity,
  seconds: quantity,
  images_per_second: quantity,
  learning_rate: quantity,
  train_loss: quantity,
  val_loss: quantity,
  val_macro_auc: quantity,
  val_macro_average_precision: quantity,
})

/** One line of `history.jsonl`. */
export type Epoch = z.infer<typeof epochSchema>

/** What a run looks at to choose its epoch, as `training.monitor` of a recipe names it. */
export type Monitor = 'macro_auc' | 'macro_average_precision' | 'loss'

/** Epochs of one stage, in order. */
export interface HistoryStage {
  /** Null in runs of one stage. */
  name: string | null
  epochs: Epoch[]
}

/**
 * Reads `history.jsonl`, stages in the order in which they appear and each in the order of its epochs. An epoch that
 * was repeated after a resume counts once, with its last line. Lines that cannot be read are counted: a killed run may
 * leave half a line.
 */
export function parseHistory(text: string): { stages: HistoryStage[]; damaged: number } {
  const byStage = new Map<string | null, Map<number, Epoch>>()
  let damaged = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const parsed = epochSchema.safeParse(parseJson(line))
    if (!parsed.success) {
      damaged++
      continue
    }
    const stage = parsed.data.stage ?? null
    const epochs = byStage.get(stage) ?? new Map<number, Epoch>()
    byStage.set(stage, epochs.set(parsed.data.epoch, parsed.data))
  }
  const stages = [...byStage].map(([name, epochs]) => ({
    name,
    epochs: [...epochs.values()].sort((a, b) => a.epoch - b.epoch),
  }))
  return { stages, damaged }
}

const FIELD = {
  macro_auc: 'val_macro_auc',
  macro_average_precision: 'val_macro_average_precision',
  loss: 'val_loss',
} as const satisfies Record<Monitor, keyof Epoch>

/** What was monitored in an epoch; null where it was not validated. */
export function monitored(epoch: Epoch, monitor: Monitor): number | null {
  return epoch[FIELD[monitor]] ?? null
}

/** The epoch that is best by what is monitored, the first of equals. */
export function bestEpoch(epochs: readonly Epoch[], monitor: Monitor): Epoch | null {
  let best: { epoch: Epoch; value: number } | null = null
  for (const epoch of epochs) {
    const value = monitored(epoch, monitor)
    if (value === null) continue
    if (best === null || (monitor === 'loss' ? value < best.value : value > best.value))
      best = { epoch, value }
  }
  return best?.epoch ?? null
}

/**
 * The epoch whose weights a stage kept.
 *
 * @param recorded What the run noted itself; undefined where it has not got there, and then the best epoch so far is
 *   what would be kept.
 */
export function keptEpoch(
  epochs: readonly Epoch[],
  monitor: Monitor,
  recorded: number | null | undefined,
): Epoch | null {
  if (recorded === undefined) return bestEpoch(epochs, monitor)
  return epochs.find(({ epoch }) => epoch === recorded) ?? null
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
