/** One line of `history.jsonl`: an epoch. */
export interface HistoryRow {
  /** The stage that it belongs to, such as `2-crt`; left out in runs of one. */
  stage?: string
  /** From 1. */
  epoch: number
  /** Optimiser updates so far. */
  step: number
  seconds: number
  images_per_second: number
  learning_rate: number
  /** Mean over the epoch's images. */
  train_loss: number
  val_loss: number | null
  val_macro_auc: number | null
  val_macro_average_precision: number | null
}

export function formatHistory(rows: readonly HistoryRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}
