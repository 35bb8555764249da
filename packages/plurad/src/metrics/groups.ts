/** Labels by how many training images they have: the head of the distribution, its middle and its tail. */
export const LABEL_GROUPS = ['head', 'medium', 'tail'] as const
export type LabelGroup = (typeof LABEL_GROUPS)[number]

export interface GroupBounds {
  /** A label with more positive training images is in the head. */
  head: number
  /** A label with fewer is in the tail. */
  tail: number
}

/** Those of NIH-CXR-LT: Holste et al., DALI at MICCAI (2022). */
export const DEFAULT_BOUNDS: GroupBounds = { head: 1000, tail: 100 }

/**
 * The group of each label.
 *
 * @param counts [C] positive images in the training split, never of the split that is judged.
 */
export function groupLabels(counts: readonly number[], bounds: GroupBounds = DEFAULT_BOUNDS): LabelGroup[] {
  return counts.map((count) => (count > bounds.head ? 'head' : count < bounds.tail ? 'tail' : 'medium'))
}
