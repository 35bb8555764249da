import type { Attributes } from './attributes.js'
import { tags, type Tag } from './tags.js'

/**
 * The item that holds a frame's settings of one kind: of the frame itself, of all frames, or, in files that are not of the
 * enhanced kinds, the data set (PS3.3, C.7.6.16).
 */
export function frameSettings(attributes: Attributes, frame: number, sequence: Tag): Attributes {
  const ofFrame = attributes.items(tags.PerFrameFunctionalGroupsSequence).at(frame)
  const ofAll = attributes.items(tags.SharedFunctionalGroupsSequence).at(0)
  return ofFrame?.items(sequence).at(0) ?? ofAll?.items(sequence).at(0) ?? attributes
}
