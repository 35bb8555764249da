import type { ByteArrayParser, Element } from 'dicom-parser'
import type { Tag } from './tags.js'

/** Specific Character Set (PS3.3, C.12.1.1.2) -> label of the Encoding Standard; others are read as Latin-1. */
const ENCODINGS: Readonly<Record<string, string | undefined>> = {
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 13': 'shift_jis',
  'ISO 2022 IR 87': 'iso-2022-jp',
  'ISO 2022 IR 149': 'euc-kr',
}

/** By tag. */
export type Elements = Record<string, Element | undefined>

/** What we use of dicom-parser's data sets. */
interface DataSet {
  elements: Elements
  byteArray: Uint8Array
  byteArrayParser: ByteArrayParser
}

/** The values of a data set or of one item of a sequence. What is absent or empty is null or an empty array. */
export class Attributes {
  readonly #dataSet: DataSet

  constructor(dataSet: DataSet) {
    this.#dataSet = dataSet
  }

  /** Multi-valued text, split at the backslashes, each without the blanks around it. */
  texts(tag: Tag, characterSet?: string): string[] {
    const bytes = this.bytes(tag)
    if (bytes.length === 0) return []
    const encoding = characterSet === undefined ? undefined : ENCODINGS[characterSet]
    return new TextDecoder(encoding ?? 'latin1')
      .decode(bytes)
      .split('\\')
      .map((text) => text.replace(/\0/g, ' ').trim())
  }

  text(tag: Tag, characterSet?: string): string | null {
    const [first] = this.texts(tag, characterSet)
    return first === undefined || first === '' ? null : first
  }

  /**
   * Numbers written as text (VR DS and IS).
   *
   * @throws where one of them is no number
   */
  decimals(tag: Tag, name: string): number[] {
    const texts = this.texts(tag)
    if (texts.every((text) => text === '')) return []
    return texts.map((text) => {
      const value = text === '' ? NaN : Number(text)
      if (!Number.isFinite(value)) throw new Error(`its ${name} is "${text.slice(0, 20)}", not a number`)
      return value
    })
  }

  decimal(tag: Tag, name: string): number | null {
    return this.decimals(tag, name).at(0) ?? null
  }

  /** Values of 16 bits (VR US, SS, or OW of tables), as unsigned. */
  words(tag: Tag): Uint16Array {
    const element = this.#element(tag)
    if (element === undefined) return new Uint16Array(0)
    const { byteArrayParser, byteArray } = this.#dataSet
    return Uint16Array.from({ length: Math.floor(element.length / 2) }, (_, index) =>
      byteArrayParser.readUint16(byteArray, element.dataOffset + 2 * index),
    )
  }

  word(tag: Tag): number | null {
    return this.words(tag).at(0) ?? null
  }

  /** A binary floating point number (VR FL and FD). */
  float(tag: Tag): number | null {
    const element = this.#element(tag)
    if (element === undefined || element.length < 4) return null
    const { byteArrayParser, byteArray } = this.#dataSet
    return element.length < 8
      ? byteArrayParser.readFloat(byteArray, element.dataOffset)
      : byteArrayParser.readDouble(byteArray, element.dataOffset)
  }

  bytes(tag: Tag): Uint8Array {
    const element = this.#element(tag)
    if (element === undefined) return new Uint8Array(0)
    return this.#dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length)
  }

  /** The type that the file gives the element; null in implicit VR files. */
  vr(tag: Tag): string | null {
    return this.#element(tag)?.vr ?? null
  }

  items(tag: Tag): Attributes[] {
    const items = this.#element(tag)?.items ?? []
    return items.flatMap(({ dataSet }) => (dataSet === undefined ? [] : [new Attributes(dataSet)]))
  }

  #element(tag: Tag): Element | undefined {
    const element = this.#dataSet.elements[tag]
    return element === undefined || element.length === 0 ? undefined : element
  }
}
