/** How labels are called by their frequency, when means are taken over the frequent and the rare apart. */

export type FrequencyGroup = 'head' | 'medium' | 'tail' | 'absent'

/** What decides the group: the share of images, or their number. */
export type Grouping = 'share' | 'count'

/** From so much on a label is of the head, below so much of the tail; in between it is medium. */
export const groupLimits = {
  /**
   * Of the images whose label is known. A share means the same in every size of data set; these make of ChestX-ray14 a
   * head of five labels (Infiltration … Mass), a medium of eight and a tail of one (Hernia, 0.2 %).
   */
  share: { head: 0.05, tail: 0.01 },
  /**
   * Images, as NIH-CXR-LT and CXR-LT count them among their training images: above 1,000, 100 to 1,000, below 100
   * (Holste et al., Long-Tailed Classification of Thorax Diseases on Chest X-Ray, DALI 2022).
   */
  count: { head: 1001, tail: 100 },
} as const satisfies Record<Grouping, { head: number; tail: number }>

/**
 * @param positives images that have the label
 * @param known images whose label is known
 */
export function frequencyGroup(positives: number, known: number, by: Grouping = 'share'): FrequencyGroup {
  if (positives === 0) return 'absent'
  const { head, tail } = groupLimits[by]
  const frequency = by === 'share' ? positives / known : positives
  return frequency >= head ? 'head' : frequency < tail ? 'tail' : 'medium'
}
