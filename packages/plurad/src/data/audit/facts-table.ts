import { THUMBNAIL_SIZE, type ImageFacts } from '../inspect/image-facts.js'

const AREA = THUMBNAIL_SIZE * THUMBNAIL_SIZE

/** What an audit keeps of every image: some 350 bytes, however large the image is. */
export class FactsTable {
  /** [n, 16, 16], see `ImageFacts.thumbnail`; 0 for images that could not be read. */
  readonly thumbnails: Int8Array
  /** '' for images that could not be read. */
  readonly digests: string[]
  /** See `ImageFacts.spread`; 1 for images that could not be read. */
  readonly spreads: Float32Array
  /** Shorter side, pixels. */
  readonly shorter: Uint32Array
  /** What the readers had to say, by image. */
  readonly warnings = new Map<number, string>()
  /** Why images could not be read, by image. */
  readonly failures = new Map<number, string>()

  constructor(images: number) {
    this.thumbnails = new Int8Array(images * AREA)
    this.digests = new Array<string>(images).fill('')
    this.spreads = new Float32Array(images).fill(1)
    this.shorter = new Uint32Array(images)
  }

  put(image: number, { thumbnail, digest, spread, width, height, warning }: ImageFacts): void {
    this.thumbnails.set(thumbnail, image * AREA)
    this.digests[image] = digest
    this.spreads[image] = spread
    this.shorter[image] = Math.min(width, height)
    if (warning !== undefined) this.warnings.set(image, warning)
  }

  /** Images that were read and show something, in rising order; with their thumbnails, [n, 16, 16]. */
  get shown(): { images: number[]; thumbnails: Int8Array } {
    const images = this.digests.flatMap((digest, image) =>
      digest !== '' && !this.isEmpty(image) ? [image] : [],
    )
    const thumbnails = new Int8Array(images.length * AREA)
    images.forEach((image, row) => {
      thumbnails.set(this.thumbnails.subarray(image * AREA, (image + 1) * AREA), row * AREA)
    })
    return { images, thumbnails }
  }

  /** Whether 99 % of the values lie within three 8-bit levels. */
  isEmpty(image: number): boolean {
    return this.spreads[image] <= 3 / 256
  }
}
