/** What a page of a TIFF file says of itself, as far as it decides how it is read. */
export interface TiffPage {
  width: number
  height: number
  /** Bits a sample; the most of them where they differ. */
  bits: number
  samples: number
  /** How a sample is meant. */
  format: 'unsigned' | 'signed' | 'float' | 'other'
  /** Where in the file the numbers are that say so; empty where it does not. */
  formatAt: readonly number[]
  /** The tag's number of what the samples are, such as 0 and 1 for grey, 2 for RGB. */
  photometric: number
}

const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samples: 277,
  stripRows: 278,
  stripBytes: 279,
  planar: 284,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  format: 339,
} as const

/** The first kind of JPEG within TIFF, which keeps its data in its own ways. */
const OLD_JPEG = 6

/** From here on they are anybody's, and nothing that we need. */
const PRIVATE_TAGS = 32_768

/** Bytes of a value, by the number of its type. */
const TYPE_BYTES: Record<number, number | undefined> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
}

/** More pages than this are taken for damage. */
const MOST_PAGES = 65_536

const FORMATS: Record<number, TiffPage['format'] | undefined> = {
  1: 'unsigned',
  2: 'signed',
  3: 'float',
  4: 'unsigned',
}

/**
 * A page's description and the number of pages, out of a TIFF or BigTIFF file of either byte order.
 *
 * @param page from 0
 * @returns null in place of the page where there are fewer
 * @throws Error where the directories are damaged or cut off
 */
export function readTiffPage(bytes: Uint8Array, page: number): { page: TiffPage | null; pages: number } {
  const file = new TiffReader(bytes)
  const seen = new Set<number>()
  let found: TiffPage | null = null
  for (let at = file.firstDirectory(); at !== 0; at = file.nextDirectory(at)) {
    if (seen.has(at) || seen.size >= MOST_PAGES)
      throw new Error('its directories of pages go round in circles')
    if (seen.size === page) found = file.page(at)
    seen.add(at)
  }
  return { page: found, pages: seen.size }
}

/** Numbers of an entry. */
interface Field {
  count: number
  /** Where a number is, bytes from the start of the file. */
  at: (index: number) => number
  /** NaN for types that are no unsigned integers. */
  value: (index: number) => number
}

class TiffReader {
  readonly #view: DataView
  readonly #little: boolean
  readonly #big: boolean

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#little = bytes[0] === 0x49
    this.#big = this.#uint(2, 2) === 43
  }

  firstDirectory(): number {
    return this.#big ? this.#uint(8, 8) : this.#uint(4, 4)
  }

  nextDirectory(at: number): number {
    const { first, step, count } = this.#entries(at)
    return this.#uint(first + count * step, this.#big ? 8 : 4)
  }

  page(at: number): TiffPage {
    const { first, step, count } = this.#entries(at)
    const fields = new Map<number, Field>()
    for (let entry = first; entry < first + count * step; entry += step) {
      const tag = this.#uint(entry, 2)
      // Readers leave out what they cannot read, such as a palette that is cut off, and show something else.
      if (tag < PRIVATE_TAGS) this.#assertWhole(entry)
      fields.set(tag, this.#field(entry))
    }
    const number = (tag: number, otherwise: number) => fields.get(tag)?.value(0) ?? otherwise
    const page = {
      width: number(TAGS.width, 0),
      height: number(TAGS.height, 0),
      samples: number(TAGS.samples, 1),
      photometric: number(TAGS.photometric, 1),
    }
    this.#assertSegments(page, fields, number)
    const formats = fields.get(TAGS.format)
    const formatAt = Array.from(
      { length: Math.min(16, formats?.count ?? 0) },
      (_, index) => formats?.at(index) ?? 0,
    )
    const kinds = new Set(formatAt.map((position) => FORMATS[this.#uint(position, 2)] ?? 'other'))
    const [format = 'unsigned'] = kinds
    const bits = fields.get(TAGS.bits)
    return {
      ...page,
      bits: Math.max(
        ...Array.from({ length: Math.min(16, bits?.count ?? 0) }, (_, index) => bits?.value(index) ?? 1),
        1,
      ),
      format: kinds.size > 1 ? 'other' : format,
      formatAt,
    }
  }

  /** Whether the strips or tiles that the page needs are all there: readers show missing ones as black. */
  #assertSegments(
    { width, height, samples }: Pick<TiffPage, 'width' | 'height' | 'samples'>,
    fields: ReadonlyMap<number, Field>,
    number: (tag: number, otherwise: number) => number,
  ): void {
    if (number(TAGS.compression, 1) === OLD_JPEG) return
    const tiled = fields.has(TAGS.tileOffsets)
    const [across, down] = tiled
      ? [Math.ceil(width / number(TAGS.tileWidth, 1)), Math.ceil(height / number(TAGS.tileHeight, 1))]
      : [1, Math.ceil(height / Math.min(height, number(TAGS.stripRows, height)))]
    const needed = across * down * (number(TAGS.planar, 1) === 2 ? samples : 1)
    const offsets = fields.get(tiled ? TAGS.tileOffsets : TAGS.stripOffsets)
    const lengths = fields.get(tiled ? TAGS.tileBytes : TAGS.stripBytes)
    if (!(
      needed >= 1 &&
      offsets !== undefined &&
      offsets.count >= needed &&
      (lengths?.count ?? needed) >= needed
    ))
      throw new Error(
        `its page of ${width} x ${height} needs ${needed} strips or tiles and lists ${offsets?.count ?? 0}`,
      )
    for (let index = 0; index < needed; index++) {
      const [start, length] = [offsets.value(index), lengths?.value(index) ?? 1]
      if (!(start > 0 && length > 0 && start + length <= this.#view.byteLength))
        throw new Error(`its strip or tile ${index} of ${needed} is not in the file`)
    }
  }

  #entries(at: number): { first: number; step: number; count: number } {
    const [head, step] = this.#big ? [8, 20] : [2, 12]
    const count = this.#uint(at, head)
    if (at + head + count * step > this.#view.byteLength)
      throw new Error('a directory of its pages is cut off')
    return { first: at + head, step, count }
  }

  #assertWhole(entry: number): void {
    const length = (TYPE_BYTES[this.#uint(entry + 2, 2)] ?? 0) * this.#uint(entry + 4, this.#big ? 8 : 4)
    const [inline, size] = this.#big ? [entry + 12, 8] : [entry + 8, 4]
    const end = length <= size ? 0 : this.#uint(inline, size) + length
    if (end > this.#view.byteLength)
      throw new Error(`the file ends before byte ${end}, up to which its tag ${this.#uint(entry, 2)} reaches`)
  }

  #field(entry: number): Field {
    const size = { 1: 1, 3: 2, 4: 4, 16: 8 }[this.#uint(entry + 2, 2)] ?? 0
    const count = this.#uint(entry + 4, this.#big ? 8 : 4)
    const inline = entry + (this.#big ? 12 : 8)
    const start = () => (count * size <= (this.#big ? 8 : 4) ? inline : this.#uint(inline, this.#big ? 8 : 4))
    const at = (index: number) => start() + index * size
    return { count, at, value: (index) => (size === 0 || index >= count ? NaN : this.#uint(at(index), size)) }
  }

  #uint(at: number, size: number): number {
    if (at + size > this.#view.byteLength)
      throw new Error(`the file ends before byte ${at + size}, which it refers to`)
    switch (size) {
      case 1:
        return this.#view.getUint8(at)
      case 2:
        return this.#view.getUint16(at, this.#little)
      case 4:
        return this.#view.getUint32(at, this.#little)
      default:
        return Number(this.#view.getBigUint64(at, this.#little))
    }
  }
}
