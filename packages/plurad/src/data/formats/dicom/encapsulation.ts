import type { PixelElement } from './parse.js'

/** Begin and end of a fragment's bytes. */
interface Fragment {
  start: number
  end: number
}

interface Fragments {
  fragments: Fragment[]
  /** Where the frames begin, counted from the first fragment's tag; empty where the file does not say. */
  offsets: number[]
  /** Whether the sequence is closed, as it has to be. */
  closed: boolean
}

const ITEM = 0xfffee000
const SEQUENCE_END = 0xfffee0dd

/**
 * The compressed bytes of one frame (PS3.5, annex A.4). Frames are told apart by the Extended Offset Table, one fragment
 * a frame, the Basic Offset Table, or by which fragments begin a new image.
 *
 * @throws Error where fragments are missing or do not fit the number of frames
 */
export function encapsulatedFrame(
  bytes: Uint8Array,
  pixels: PixelElement,
  frames: number,
  frame: number,
): Uint8Array {
  const { fragments, offsets, closed } = readFragments(bytes, pixels.offset)
  if (!closed && !endsImage(join(bytes, fragments.slice(-1))))
    throw new Error(`the file ends within its pixel data, after ${fragments.length} fragments`)
  if (fragments.length < frames)
    throw new Error(
      `its header says ${frames} frames, its pixel data has ${fragments.length} fragments: some are missing`,
    )
  const parts = pixels.extended
    ? fragmentAt(fragments, pixels.extended, frame)
    : fragmentsOf(bytes, fragments, offsets, frames, frame)
  return join(bytes, parts)
}

function readFragments(bytes: Uint8Array, start: number): Fragments {
  const items: Fragment[] = []
  let closed = false
  for (let at = start; at + 8 <= bytes.length;) {
    const tag = word(bytes, at) * 0x10000 + word(bytes, at + 2)
    if (tag === SEQUENCE_END) {
      closed = true
      break
    }
    if (tag !== ITEM) throw new Error(`its pixel data has no fragment at byte ${at}, where one is expected`)
    const begin = at + 8
    const length = long(bytes, at + 4)
    if (begin + length > bytes.length) {
      const held = bytes.length - begin
      throw new Error(
        `the file ends within fragment ${items.length} of its pixel data: ${held} of ${length} bytes are there`,
      )
    }
    items.push({ start: begin, end: begin + length })
    at = begin + length
  }
  const table = items.shift()
  if (table === undefined || items.length === 0)
    throw new Error('its encapsulated pixel data has no fragments')
  const offsets: number[] = []
  for (let at = table.start; at + 4 <= table.end; at += 4) offsets.push(long(bytes, at))
  return { fragments: items, offsets, closed }
}

function fragmentsOf(
  bytes: Uint8Array,
  fragments: Fragment[],
  offsets: number[],
  frames: number,
  frame: number,
): Fragment[] {
  if (frames === 1) return fragments
  if (fragments.length === frames) return [fragments[frame]]
  const base = fragments[0].start - 8
  const starts =
    offsets.length === frames
      ? offsets.map((offset) => fragments.findIndex(({ start }) => start - 8 === base + offset))
      : fragments.flatMap(({ start }, index) => (beginsImage(bytes, start) ? [index] : []))
  if (
    starts.length !== frames ||
    starts[0] !== 0 ||
    starts.some((at, index) => at <= (starts[index - 1] ?? -1))
  )
    throw new Error(`its ${fragments.length} fragments cannot be told apart into ${frames} frames`)
  return fragments.slice(starts[frame], starts[frame + 1])
}

/** With an Extended Offset Table a frame is exactly one fragment. */
function fragmentAt(
  fragments: Fragment[],
  { offsets, lengths }: { offsets: number[]; lengths: number[] },
  frame: number,
): Fragment[] {
  const start = fragments[0].start + offsets[frame]
  const fragment = fragments.find((candidate) => candidate.start === start)
  if (fragment === undefined)
    throw new Error(`its Extended Offset Table has no fragment for frame ${frame}: one is missing`)
  return [{ start, end: Math.min(fragment.end, start + lengths[frame]) }]
}

function join(bytes: Uint8Array, parts: Fragment[]): Uint8Array {
  if (parts.length === 1) return bytes.subarray(parts[0].start, parts[0].end)
  const joined = new Uint8Array(parts.reduce((sum, { start, end }) => sum + end - start, 0))
  let at = 0
  for (const { start, end } of parts) {
    joined.set(bytes.subarray(start, end), at)
    at += end - start
  }
  return joined
}

/** Whether JPEG or JPEG-LS (SOI and a marker), a JPEG 2000 codestream (SOC, SIZ) or a JP2 file begins here. */
function beginsImage(bytes: Uint8Array, at: number): boolean {
  const [first, second, third, fourth] = bytes.subarray(at, at + 4)
  if (first === 0xff) return third === 0xff && (second === 0xd8 || (second === 0x4f && fourth === 0x51))
  return first === 0 && second === 0 && third === 0 && fourth === 12
}

/** Whether an end-of-image marker, which JPEG, JPEG-LS and JPEG 2000 share, closes a frame, up to padding. */
export function endsImage(frame: Uint8Array): boolean {
  let end = frame.length
  while (end > 2 && (frame[end - 1] === 0 || frame[end - 1] === 0xff)) end--
  return frame[end - 2] === 0xff && frame[end - 1] === 0xd9
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8)
}

function long(bytes: Uint8Array, at: number): number {
  return word(bytes, at) + word(bytes, at + 2) * 0x10000
}
