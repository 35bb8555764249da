/** A heat map as numbers, for software that reads them: Parametric Map Storage with floating point pixels (PS3.3, A.75). */
import { item, own, ucum } from './codes.js'
import { derivation, sidesOf, type LabelHeatmap } from './heatmap.js'
import { inherited, referenceTo, type Maker } from './maker.js'
import type { SourceImage } from './source.js'
import { uidFrom } from './uid.js'
import { decimalString, shortText, writeDicom, type Dataset } from './write.js'

const PARAMETRIC_MAP = '1.2.840.10008.5.1.4.1.1.30'

export interface MapOptions {
  source: SourceImage
  /** Of the source image, from 0. */
  frame: number
  heatmap: LabelHeatmap
}

/** The content of a DICOM file, of the map's own size. */
export function parametricMap(maker: Maker, { source, frame, heatmap }: MapOptions): Uint8Array {
  const { rows, columns } = sidesOf(heatmap)
  const { description, sourceImages } = derivation(heatmap, source, frame)
  const space = frameOfReference(source)
  const imageType = ['DERIVED', 'PRIMARY', 'VOLUME', 'NONE']
  const organization = maker.newUid()
  const pixels = heatmap.values.slice()
  return writeDicom({
    ...maker.common(source, 'map', PARAMETRIC_MAP, 'OT', space),
    ...inherited(source),
    FrameOfReferenceUID: space,
    PositionReferenceIndicator: '',
    ImageType: imageType,
    ContentLabel: 'HEATMAP',
    ContentDescription: shortText(`${heatmap.label} ${heatmap.probability.toFixed(3)}`, 64),
    ContentCreatorName: '',
    ContentQualification: 'RESEARCH',
    PixelPresentation: 'MONOCHROME',
    PresentationLUTShape: 'IDENTITY',
    RecognizableVisualFeatures: 'NO',
    BurnedInAnnotation: 'NO',
    ...('LossyImageCompression' in source.lossy ? {} : { LossyImageCompression: '00' }),
    DerivationDescription: description,
    AcquisitionContextSequence: [],
    ReferencedSeriesSequence: {
      SeriesInstanceUID: source.seriesInstanceUid,
      ReferencedInstanceSequence: referenceTo(source, frame),
    },
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: 32,
    NumberOfFrames: '1',
    DimensionOrganizationSequence: { DimensionOrganizationUID: organization },
    DimensionIndexSequence: {
      DimensionOrganizationUID: organization,
      // StackID within FrameContentSequence.
      DimensionIndexPointer: 0x00209056,
      FunctionalGroupPointer: 0x00209111,
      DimensionDescriptionLabel: 'Stack ID',
    },
    SharedFunctionalGroupsSequence: {
      PixelMeasuresSequence: pixelMeasures(source, rows, columns),
      ...planeOf(source, rows, columns),
      ParametricMapFrameTypeSequence: { FrameType: imageType },
      PixelValueTransformationSequence: { RescaleIntercept: '0', RescaleSlope: '1', RescaleType: 'US' },
      FrameVOILUTSequence: { WindowCenter: '0.5', WindowWidth: '1' },
      RealWorldValueMappingSequence: {
        LUTExplanation: 'Evidence for the label relative to the strongest',
        LUTLabel: 'HEATMAP',
        MeasurementUnitsCodeSequence: item(ucum('1', 'no units')),
        QuantityDefinitionSequence: quantity(),
        DoubleFloatRealWorldValueFirstValueMapped: 0,
        DoubleFloatRealWorldValueLastValueMapped: 1,
        RealWorldValueIntercept: 0,
        RealWorldValueSlope: 1,
      },
    },
    PerFrameFunctionalGroupsSequence: {
      FrameContentSequence: {
        DimensionIndexValues: 1,
        StackID: '1',
        InStackPositionNumber: 1,
      },
      DerivationImageSequence: {
        DerivationDescription: description,
        DerivationCodeSequence: item(own('HEATMAP', 'Heat map of a neural network')),
        SourceImageSequence: sourceImages,
      },
    },
    FloatPixelData: pixels.buffer,
  })
}

/** What the numbers are (PS3.3, C.7.6.16.2.11). */
function quantity(): Dataset {
  return {
    ValueType: 'CODE',
    ConceptNameCodeSequence: item({ value: '246205007', scheme: 'SCT', meaning: 'Quantity' }),
    ConceptCodeSequence: item(own('HEATMAP', 'Evidence for a label')),
  }
}

/** The map covers the source image, in cells of its own size. */
function pixelMeasures(source: SourceImage, rows: number, columns: number): Dataset {
  const [down, across] = source.spacing ?? [1, 1]
  return {
    PixelSpacing: [
      decimalString((down * source.rows) / rows),
      decimalString((across * source.columns) / columns),
    ],
    SliceThickness: decimalString(source.sliceThickness ?? 1),
  }
}

/** The patient's, of slices. Projections have none: each is a plane of its own. */
function frameOfReference({ plane, frameOfReferenceUid, sopInstanceUid }: SourceImage): string {
  if (plane !== null && frameOfReferenceUid !== null) return frameOfReferenceUid
  return uidFrom(`frame of reference of ${sopInstanceUid}`)
}

/** Where the centre of the first cell lies, and the directions of rows and columns. */
function planeOf(source: SourceImage, rows: number, columns: number): Record<string, Dataset> {
  const { position, orientation } = source.plane ?? { position: [0, 0, 0], orientation: [1, 0, 0, 0, 1, 0] }
  const spacing = source.spacing ?? [1, 1]
  const right = (spacing[1] * (source.columns / columns - 1)) / 2
  const down = (spacing[0] * (source.rows / rows - 1)) / 2
  const first = position.map((at, axis) => at + right * orientation[axis] + down * orientation[axis + 3])
  return {
    PlanePositionSequence: { ImagePositionPatient: first.map(decimalString) },
    PlaneOrientationSequence: { ImageOrientationPatient: orientation.map(decimalString) },
  }
}
