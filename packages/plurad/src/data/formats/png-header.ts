/** What every reader of PNG checks first. */
import { MAX_PIXELS } from '../image.js'
import { startsWith, type ImageFormat } from './format.js'

export const pngFile: Omit<ImageFormat, 'decode'> = {
  name: 'PNG',
  extensions: ['.png'],
  matches: (head) => startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
}

/** Samples a pixel by the header's colour type. */
export const PNG_SAMPLES: Record<number, number | undefined> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** The most that a byte of deflated data can become. */
const DEFLATE_RATIO = 1032

/** Refuses a header that claims more than we take, or than the file can hold, before memory is taken for it. */
export function assertPlausiblePng(bytes: Uint8Array): void {
  if (bytes.length < 33) throw new Error('the file ends within its header')
  const header = new DataView(bytes.buffer, bytes.byteOffset)
  const [width, height] = [header.getUint32(16), header.getUint32(20)]
  const claim = `its header says ${width} x ${height} pixels`
  if (width * height > MAX_PIXELS) throw new Error(`${claim}, more than ${MAX_PIXELS}`)
  const lineBytes = Math.ceil((width * bytes[24] * (PNG_SAMPLES[bytes[25]] ?? 1)) / 8)
  if (lineBytes * height > bytes.length * DEFLATE_RATIO)
    throw new Error(`${claim}, which ${bytes.length} bytes cannot hold`)
}
