/** A decoded image, before any resizing: what every format gives and preprocessing takes. */
export interface DecodedImage {
  /** Pixels across. */
  width: number
  /** Pixels down. */
  height: number
  /** 1 grey, 3 red-green-blue. An alpha channel is dropped, as Pillow's `convert('RGB')` does. */
  channels: 1 | 3
  /** Full scale: 255 for 8-bit files, 65535 for 16-bit ones. */
  maxValue: 255 | 65535
  /** Row-major and interleaved, [height, width, channels], in [0, maxValue]. */
  data: Uint8Array | Uint16Array
  /**
   * True where the values are a 16-bit file's own, of which fewer bits may be in use (`bits` in preprocessing.ts); left
   * out where a window has brought them to full scale.
   */
  asStored?: boolean | undefined
  /** What a user should know of this file's values, such as that most were outside the window. */
  warning?: string | undefined
}

/** Larger images are refused before memory is taken for them: about 16,384 x 16,384. */
export const MAX_PIXELS = 2 ** 28

/** Splits off alpha from interleaved pixels: [N, channels + 1] to [N, channels]. */
export function dropAlpha<T extends Uint8Array | Uint16Array>(data: T, channels: 1 | 3): T {
  const pixels = data.length / (channels + 1)
  const kept = (
    data instanceof Uint8Array ? new Uint8Array(pixels * channels) : new Uint16Array(pixels * channels)
  ) as T
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from++) {
    for (let channel = 0; channel < channels; channel++) kept[to++] = data[from++]
  }
  return kept
}

/** Bytes in the machine's order as 16-bit values; copies where the buffer does not start on an even byte. */
export function asUint16(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
}

/**
 * Grey by ITU-R 601 luma with Pillow's integer weights, `L = (19595 R + 38470 G + 7471 B + 32768) >> 16`:
 * equal to Pillow's `convert('L')` for 8-bit images. Grey images come back as they are.
 */
export function toGrey(image: DecodedImage): DecodedImage {
  if (image.channels === 1) return image
  const { width, height, data } = image
  const grey = data instanceof Uint8Array ? new Uint8Array(width * height) : new Uint16Array(width * height)
  for (let pixel = 0, at = 0; pixel < grey.length; pixel++, at += 3) {
    const luma = 19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2]
    // Not a shift: 16-bit values pass 2^32 here.
    grey[pixel] = Math.floor((luma + 32768) / 65536)
  }
  return { ...image, channels: 1, data: grey }
}
