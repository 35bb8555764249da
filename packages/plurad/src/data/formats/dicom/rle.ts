/**
 * Decodes an RLE frame (PS3.5, annex G): one PackBits segment a byte plane, the most significant first.
 *
 * @returns samples in the machine's byte order, one plane a colour: [samples, pixels]
 * @throws Error where a segment is missing, cut off or of another length than the header claims
 */
export function decodeRle(
  frame: Uint8Array,
  pixels: number,
  samples: number,
  bytesPerSample: number,
): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const segments = samples * bytesPerSample
  if (frame.length < 64) throw new Error('its RLE frame ends within its header')
  if (view.getUint32(0, true) !== segments) {
    throw new Error(
      `its RLE frame has ${view.getUint32(0, true)} segments, where its header needs ${segments}`,
    )
  }
  const decoded = new Uint8Array(pixels * segments)
  for (let segment = 0; segment < segments; segment++) {
    const start = view.getUint32(4 + 4 * segment, true)
    const end = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : frame.length
    if (start < 64 || start > end || end > frame.length)
      throw new Error(`segment ${segment} of its RLE frame lies outside of it`)
    const sample = Math.floor(segment / bytesPerSample)
    const significance = bytesPerSample - 1 - (segment % bytesPerSample)
    const first = sample * pixels * bytesPerSample + significance
    const count = unpack(frame, start, end, decoded, first, bytesPerSample, pixels)
    if (count < pixels)
      throw new Error(
        `segment ${segment} of its RLE frame is cut off: ${count} of ${pixels} pixels are there`,
      )
  }
  return decoded
}

/** @returns how many bytes were written, `pixels` at most: what follows is padding */
function unpack(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  first: number,
  stride: number,
  pixels: number,
): number {
  let at = start
  let count = 0
  let target = first
  while (count < pixels && at < end) {
    const control = from[at++]
    if (control === 128) continue
    const literal = control < 128
    const length = Math.min(literal ? control + 1 : 257 - control, pixels - count)
    if (at + (literal ? length : 1) > end) break
    for (let index = 0; index < length; index++, target += stride)
      to[target] = from[literal ? at + index : at]
    at += literal ? control + 1 : 1
    count += length
  }
  return count
}
