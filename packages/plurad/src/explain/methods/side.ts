/** What a model is given beside one image, for several versions of that image. */
import type { Tensor } from '@plurad/torch'
import type { SideInput } from '../../models/classifier.js'

/** [1, n] -> [count, n] */
export function repeated({ metadata = null, known = null }: SideInput, count: number): SideInput {
  const repeat = (tensor: Tensor | null): Tensor | null => tensor && tensor.expand(count, -1)
  return { metadata: repeat(metadata), known: repeat(known) }
}
