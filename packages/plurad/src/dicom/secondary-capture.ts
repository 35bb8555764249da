/** A heat map blended with its image, in true colour: what every viewer shows (Secondary Capture Image Storage). */
import type { DecodedImage } from '../data/image.js'
import { derivation, sidesOf, type LabelHeatmap } from './heatmap.js'
import { inherited, type Maker } from './maker.js'
import type { SourceImage } from './source.js'
import { shortText, writeDicom } from './write.js'

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'

/** How much of the colour the hottest places have. */
const OPACITY = 0.6

export interface CaptureOptions {
  source: SourceImage
  /** Of the source image, from 0. */
  frame: number
  /** The frame as it was looked at. */
  image: DecodedImage
  heatmap: LabelHeatmap
}

/** The content of a DICOM file, of the image's own size. */
export function secondaryCapture(
  maker: Maker,
  { source, frame, image, heatmap }: CaptureOptions,
): Uint8Array {
  const { description, sourceImages } = derivation(heatmap, source, frame)
  return writeDicom({
    ...maker.common(source, 'heatmap', SECONDARY_CAPTURE, 'OT'),
    ConversionType: 'WSD',
    ImageType: ['DERIVED', 'SECONDARY'],
    DerivationDescription: description,
    SourceImageSequence: sourceImages,
    ImageComments: shortText(commentOf(heatmap), 1024),
    // What the pixels show is the source's.
    ...(source.burnedIn === 'YES' || source.burnedIn === 'NO' ? { BurnedInAnnotation: source.burnedIn } : {}),
    ...inherited(source),
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'RGB',
    PlanarConfiguration: 0,
    Rows: image.height,
    Columns: image.width,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    PixelData: blend(image, heatmap),
  })
}

function commentOf({ label, probability, views = [] }: LabelHeatmap): string {
  const note = views.length === 0 ? '' : ` (mean over ${views.join(', ')}; map of the image as it is)`
  return `${label} ${probability.toFixed(3)}${note}`
}

/** [height, width, 3] in 0 to 255, an even number of bytes. */
function blend(image: DecodedImage, heatmap: LabelHeatmap): ArrayBuffer {
  const { width, height, channels, data, maxValue } = image
  const heatAt = sampler(heatmap, width, height)
  const bytes = new Uint8Array(2 * Math.ceil((3 * width * height) / 2))
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const heat = heatAt(x, y)
      const colour = colourOf(heat)
      const share = OPACITY * heat
      const from = (y * width + x) * channels
      for (let channel = 0; channel < 3; channel++, to++) {
        const shade = (255 * data[from + (channels === 3 ? channel : 0)]) / maxValue
        bytes[to] = Math.round((1 - share) * shade + share * colour[channel])
      }
    }
  }
  return bytes.buffer
}

/** The map at a pixel of the image: between the centres of its cells linearly, constant at the border. */
function sampler(heatmap: LabelHeatmap, width: number, height: number): (x: number, y: number) => number {
  const { rows, columns } = sidesOf(heatmap)
  const { values } = heatmap
  const place = (at: number, size: number, cells: number): readonly [number, number, number] => {
    const position = Math.min(cells - 1, Math.max(0, ((at + 0.5) * cells) / size - 0.5))
    const low = Math.floor(position)
    return [low, Math.min(cells - 1, low + 1), position - low]
  }
  const across = Array.from({ length: width }, (_, x) => place(x, width, columns))
  const down = Array.from({ length: height }, (_, y) => place(y, height, rows))
  return (x, y) => {
    const [left, right, along] = across[x]
    const [top, bottom, below] = down[y]
    const row = (at: number): number =>
      (1 - along) * values[at * columns + left] + along * values[at * columns + right]
    return (1 - below) * row(top) + below * row(bottom)
  }
}

/** From blue over green and yellow to red. */
function colourOf(heat: number): readonly [number, number, number] {
  const ramp = (centre: number): number => 255 * Math.min(1, Math.max(0, 1.5 - Math.abs(4 * heat - centre)))
  return [ramp(3), ramp(2), ramp(1)]
}
