/** Attention maps out of a head's output. */
import type { NamedTensor } from '../../predict/runtime.js'
import type { Heatmap } from '../heatmap.js'
import type { ExportedMethod } from './method.js'

/**
 * @param attention [1, labels, H, W], or [1, 1, H, W] for one map for all labels
 * @param labels whose maps are wanted
 */
export function attentionMaps({ data, dims }: NamedTensor, labels: readonly number[]): Heatmap[] {
  const [, rows, ...shape] = dims
  const positions = shape.reduce((product, side) => product * side, 1)
  return labels.map((label) => {
    const start = rows === 1 ? 0 : label * positions
    return { shape, values: data.slice(start, start + positions) }
  })
}

export const attention: ExportedMethod = {
  title: 'Attention',
  unit: 'share of attention',
  reads: 'attention',
  explain: (_, outputs, labels) => attentionMaps(outputs['attention'], labels),
}
