import { readDicom } from './dicom/file.js'
import { hasPrefix } from './dicom/parse.js'
import { renderFrame } from './dicom/render.js'
import { UnsupportedError, type ImageFormat } from './format.js'

/**
 * DICOM images: grey through the file's own or a chosen window to 16 bits, low values black whatever the photometric
 * interpretation; colour as RGB. A part is a frame's number, from 0; without one the first frame is read.
 */
export const dicom: ImageFormat = {
  name: 'DICOM',
  extensions: ['.dcm', '.dicom'],
  matches: (head) => hasPrefix(head) || beginsDataSet(head),

  decode(bytes, { window, part, own }) {
    if (part !== null && !/^\d+$/.test(part))
      throw new UnsupportedError(`"${part}" is asked for, where the number of a frame, from 0, is expected`)
    return renderFrame(readDicom(bytes), Number(part ?? 0), window, { own })
  },
}

/**
 * Whether a file without preamble begins with two elements of a DICOM data set in order: of group 2 with types, or of
 * group 8 with or without. Two, because a few bytes alone would fit other formats too.
 */
function beginsDataSet(head: Uint8Array): boolean {
  const first = elementAt(head, 0)
  if (first === null || (first.group !== 2 && first.group !== 8) || first.number > 0x60) return false
  const second = elementAt(head, first.end)
  if (second === null || second.group > 0x7fe0) return false
  return second.group === first.group ? second.number > first.number : second.group > first.group
}

function elementAt(head: Uint8Array, at: number): { group: number; number: number; end: number } | null {
  if (at + 8 > head.length) return null
  const word = (offset: number): number => head[at + offset] | (head[at + offset + 1] << 8)
  const typed = [head[at + 4], head[at + 5]].every((byte) => byte >= 0x41 && byte <= 0x5a)
  const group = word(0)
  if (!typed && (group === 2 || word(6) !== 0)) return null
  const length = word(typed ? 6 : 4)
  return length % 2 === 1 ? null : { group, number: word(2), end: at + 8 + length }
}
