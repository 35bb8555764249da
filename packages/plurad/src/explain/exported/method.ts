/** How a method that needs no gradient is written: it reads what an exported model gives beside its logits. */
import type { Explanation, OnnxModel } from '../../predict/onnx-model.js'
import type { NamedTensor } from '../../predict/runtime.js'
import type { Heatmap } from '../heatmap.js'

export interface ExportedMethod {
  /** For people. */
  title: string
  /** What the values are, in a few words: the legend of the pictures. */
  unit: string
  /** The output of the graph that it reads. */
  reads: Explanation
  /**
   * The heatmaps of some labels for one image; null where this model's head has none.
   *
   * @param outputs `logits` and what it reads, of a batch of one
   */
  explain: (
    model: OnnxModel,
    outputs: Readonly<Record<string, NamedTensor>>,
    labels: readonly number[],
  ) => Heatmap[] | null
}
