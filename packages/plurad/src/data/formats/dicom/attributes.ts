import type { ByteArrayParser, Element } from 'dicom-parser'
import { decodeText } from './character-sets.js'
import { tags, type Tag } from './tags.js'

/** What no text has: control characters but line ends, and what a decoder puts where bytes mean nothing. */
const UNREADABLE = /[\u0001-\u0008\u000B\u000E-\u001F\u007F\uFFFD]/

/** Values, split at the backslashes, each without the blanks around it. */
function valuesOf(text: string): string[] {
  return text.split('\\').map((value) => value.replace(/\0/g, ' ').trim())
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

  /** Multi-valued text of the plain characters that codes, dates and numbers are made of. */
  texts(tag: Tag): string[] {
    const bytes = this.bytes(tag)
    return bytes.length === 0 ? [] : valuesOf(new TextDecoder('latin1').decode(bytes))
  }

  text(tag: Tag): string | null {
    const [first] = this.texts(tag)
    return first === undefined || first === '' ? null : first
  }

  /**
   * Names and free text, by the character sets that these attributes state; null where there is none.
   *
   * @throws where the text cannot be read by them: a name must not be guessed
   */
  readText(tag: Tag): string | null {
    const bytes = this.bytes(tag)
    if (bytes.length === 0) return null
    const sets = this.texts(tags.SpecificCharacterSet)
    const text = decodeText(bytes, sets)
    if (text === null || UNREADABLE.test(text)) {
      throw new Error(`its text cannot be read by its character set (${sets.join('\\\\') || 'none stated'})`)
    }
    const [first] = valuesOf(text)
    return first === '' ? null : first
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
