/** How much worse a smaller precision may be. */
import { ExportError } from '../../errors.js'
import type { PrecisionReport } from './reduce.js'

/** @throws ExportError where the macro AUC falls by more than `most` */
export function refuseLoss({ precision, auc, auc_float32, images }: PrecisionReport, most: number): void {
  const loss = auc_float32 - auc
  if (loss <= most) return
  throw new ExportError(
    `In ${precision} the model loses ${loss.toFixed(4)} of its macro AUC on ${images} validation images (${auc_float32.toFixed(4)} ` +
      `-> ${auc.toFixed(4)}), where ${most} is allowed. Nothing was written. ` +
      `${precision === 'int8' ? 'Take --precision float16, or allow' : 'Allow'} more with --max-auc-loss.`,
  )
}
