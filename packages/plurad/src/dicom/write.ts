/** A data set -> the content of a DICOM file (PS3.10), in explicit little endian and UTF-8. */
import dcmjs from 'dcmjs'

/** Numbers, text, items of sequences and buffers of pixels. Empty lists are attributes without a value (type 2). */
export type Value = string | number | ArrayBuffer | Dataset | readonly (string | number | Dataset)[]

/** Attributes by the names of PS3.6. */
export interface Dataset {
  readonly [name: string]: Value
}

const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'

/** Of this writer: 2.25. and a UUID as a decimal number (PS3.5, B.2). */
const IMPLEMENTATION = '2.25.281926482713450682459210743258176498313'
const IMPLEMENTATION_NAME = 'PLURAD'

/** @param dataset with SOPClassUID and SOPInstanceUID */
export function writeDicom(dataset: Dataset & { SOPClassUID: string; SOPInstanceUID: string }): Uint8Array {
  const { DicomDict, DicomMetaDictionary } = dcmjs.data
  const file = new DicomDict({
    '00020001': { vr: 'OB', Value: [Uint8Array.of(0, 1).buffer] },
    '00020002': { vr: 'UI', Value: [dataset.SOPClassUID] },
    '00020003': { vr: 'UI', Value: [dataset.SOPInstanceUID] },
    '00020010': { vr: 'UI', Value: [EXPLICIT_LITTLE_ENDIAN] },
    '00020012': { vr: 'UI', Value: [IMPLEMENTATION] },
    '00020013': { vr: 'SH', Value: [IMPLEMENTATION_NAME] },
  })
  // The dictionary leaves open how wide pixels are; a later entry of the standard settles it for 8 bits.
  const prepared = asDcmjs(dataset)
  file.dict = DicomMetaDictionary.denaturalizeDataset({ ...prepared, _vrMap: { PixelData: 'OB' } })
  return new Uint8Array(file.write({ fragmentMultiframe: false }))
}

/** dcmjs takes buffers and single items within lists. */
function asDcmjs(dataset: Dataset): Record<string, unknown> {
  const convert = (value: Value): unknown => {
    if (value instanceof ArrayBuffer) return [value]
    if (Array.isArray(value))
      return (value as readonly (string | number | Dataset)[]).map((one) => convert(one))
    return typeof value === 'object' ? asDcmjs(value as Dataset) : value
  }
  return Object.fromEntries(
    Object.entries(dataset).map(([name, value]) => {
      const isItem = typeof value === 'object' && !Array.isArray(value) && !(value instanceof ArrayBuffer)
      return [name, isItem ? [convert(value)] : convert(value)]
    }),
  )
}

/** A number as Decimal String, of at most 16 characters (PS3.5, 6.2). */
export function decimalString(value: number): string {
  const text = String(value)
  if (text.length <= 16) return text
  for (let digits = 15; digits > 0; digits--) {
    const shorter = String(Number(value.toPrecision(digits)))
    if (shorter.length <= 16) return shorter
  }
  return value.toExponential(8)
}

/** Text of at most so many characters, without what ends a value. */
export function shortText(text: string, most: number): string {
  return text
    .replaceAll(/[\\\0-\x1f]/g, ' ')
    .trim()
    .slice(0, most)
}
