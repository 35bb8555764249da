import { z } from 'zod'

const quantity = z.number().nullish()

const epochSchema = z.object({
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

/**
 * Reads `history.jsonl`, in the order of the epochs. An epoch that was repeated after a resume counts once,
 * with its last line. Lines that cannot be read are counted: a killed run may leave half a line.
 */
export function parseHistory(text: string): { epochs: Epoch[]; damaged: number } {
  const byEpoch = new Map<number, Epoch>()
  let damaged = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const parsed = epochSchema.safeParse(parseJson(line))
    if (parsed.success) byEpoch.set(parsed.data.epoch, parsed.data)
    else damaged++
  }
  return { epochs: [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch), damaged }
}

/** The epoch with the highest macro AUC on the validation split, the first of equals. */
export function bestEpoch(epochs: readonly Epoch[]): (Epoch & { val_macro_auc: number }) | null {
  let best: (Epoch & { val_macro_auc: number }) | null = null
  for (const epoch of epochs) {
    const auc = epoch.val_macro_auc
    if (auc !== null && auc !== undefined && (best === null || auc > best.val_macro_auc)) {
      best = { ...epoch, val_macro_auc: auc }
    }
  }
  return best
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
