import { isAscii } from 'node:buffer'
import { DataError } from '../../errors.js'
import { ByteDictionary } from './byte-dictionary.js'
import { readBeginning, readUnpacked } from './file-bytes.js'
import { noRows, trimmedHeader } from './table-of-rows.js'
import type { CodedColumn, Codes, Table } from './table.js'

const QUOTE = 0x22
const LINE_FEED = 0x0a
const RETURN = 0x0d
const SPACE = 0x20

/** Enough for the longest header. */
const HEADER_BYTES = 1 << 18

/** Reads a CSV or TSV file (see `readTable`). */
export async function readDelimited(file: string): Promise<Table> {
  const bytes = asUtf8(await readUnpacked(file))
  const scanner = new Scanner(file, bytes)
  const columns = trimmedHeader(file, scanner.header())
  const { starts, rowNumbers } = scanner.rows(columns.length)
  if (rowNumbers.length === 0) throw noRows(file)
  return new DelimitedTable(file, columns, bytes, starts, rowNumbers)
}

/** The header of a CSV or TSV file alone. */
export async function readDelimitedHeader(file: string): Promise<readonly string[]> {
  const bytes = asUtf8(await readBeginning(file, HEADER_BYTES))
  return trimmedHeader(file, new Scanner(file, bytes).header())
}

/** Without byte order mark. Spreadsheets export "Unicode text" as UTF-16 with one. */
function asUtf8(bytes: Buffer): Buffer {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe
  if (little || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return Buffer.from(new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(bytes))
  }
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

/** The separator that the header row has most of, outside quotes. */
function delimiterOf(bytes: Buffer, file: string): number {
  const text = bytes.toString('utf8', 0, HEADER_BYTES)
  const end = text.search(/[\r\n]/)
  const header = (end < 0 ? text : text.slice(0, end)).replace(/"[^"]*"/g, '')
  const candidates = /\.tsv(\.gz)?$/i.test(file) ? ['\t', ',', ';'] : [',', '\t', ';']
  const counts = candidates.map((candidate) => header.split(candidate).length)
  return candidates[counts.indexOf(Math.max(...counts))].charCodeAt(0)
}

/** Where every cell begins, found in one pass over the bytes (RFC 4180, with any of LF, CRLF and CR). */
class Scanner {
  readonly #file: string
  readonly #bytes: Buffer
  readonly #delimiter: number
  /** 1 for the bytes that end a cell. */
  readonly #ends = new Uint8Array(256)
  #position = 0
  /** Of the record that is being read; the header is 1. */
  #record = 1

  constructor(file: string, bytes: Buffer) {
    this.#file = file
    this.#bytes = bytes
    this.#delimiter = delimiterOf(bytes, file)
    for (const byte of [this.#delimiter, LINE_FEED, RETURN]) this.#ends[byte] = 1
  }

  /** The names in the first record. */
  header(): string[] {
    const names: string[] = []
    for (;;) {
      const start = this.#position
      this.#skipCell()
      names.push(cellText(this.#bytes, start, this.#position, false))
      if (this.#bytes[this.#position] !== this.#delimiter) break
      this.#position++
    }
    this.#endRecord()
    return names
  }

  /**
   * All further records.
   *
   * @returns `starts`: `columns + 1` a row: where each cell begins, and one past the byte that ends the last;
   * `rowNumbers`: the number of each record that is not blank
   */
  rows(columns: number): { starts: Uint32Array; rowNumbers: Int32Array } {
    const bytes = this.#bytes
    const width = columns + 1
    const expected = this.#linesExpected()
    let starts = new Uint32Array(expected * width)
    let rowNumbers = new Int32Array(expected)
    let count = 0
    while (this.#position < bytes.length) {
      if (count === rowNumbers.length) {
        const lines = Math.ceil(count * 1.5)
        starts = resized(starts, new Uint32Array(lines * width))
        rowNumbers = resized(rowNumbers, new Int32Array(lines))
      }
      const first = this.#position
      const base = count * width
      let cells = 0
      for (;;) {
        if (cells < width) starts[base + cells] = this.#position
        this.#skipCell()
        cells++
        if (bytes[this.#position] !== this.#delimiter) break
        this.#position++
      }
      const end = this.#position
      if (cells <= columns) starts[base + cells] = end + 1
      if (!this.#isBlank(first, end)) {
        if (cells < columns || (cells > columns && !this.#isBlank(starts[base + columns], end)))
          throw this.#wrongCount(cells, columns, first)
        rowNumbers[count++] = this.#record
      }
      this.#endRecord()
    }
    return { starts: starts.subarray(0, count * width), rowNumbers: rowNumbers.subarray(0, count) }
  }

  /** From the lengths of the first lines; a guess that may be wrong. */
  #linesExpected(): number {
    const left = this.#bytes.length - this.#position
    const first = Math.min(left, 1 << 16)
    let lines = 1
    for (let at = this.#position; at < this.#position + first; at++)
      if (this.#bytes[at] === LINE_FEED) lines++
    return Math.ceil((left / Math.max(first, 1)) * lines * 1.05) + 16
  }

  /** To the byte that ends the cell: a separator, the line's end or the file's. */
  #skipCell(): void {
    const bytes = this.#bytes
    const ends = this.#ends
    let at = this.#position
    if (bytes[at] === QUOTE) {
      at = this.#skipQuoted(at)
    } else {
      while (at < bytes.length && ends[bytes[at]] === 0) at++
    }
    this.#position = at
  }

  #skipQuoted(start: number): number {
    const bytes = this.#bytes
    let at = start
    for (;;) {
      at = bytes.indexOf(QUOTE, at + 1)
      if (at < 0) {
        throw new DataError(
          `${this.#file}, row ${this.#record}: a quote is opened here and never closed. Look for a stray ".`,
        )
      }
      if (bytes[at + 1] !== QUOTE) break
      at++
    }
    at++
    while (bytes[at] === SPACE) at++
    if (at < bytes.length && this.#ends[bytes[at]] === 0) {
      const shown = bytes.toString('utf8', start, Math.min(at + 10, start + 60)).replace(/\s+/g, ' ')
      throw new DataError(
        `${this.#file}, row ${this.#record}: text after a closing quote: ${shown} … Look for a stray ", or write a ` +
          'quote inside a quoted cell as "".',
      )
    }
    return at
  }

  #endRecord(): void {
    if (this.#bytes[this.#position] === RETURN && this.#bytes[this.#position + 1] === LINE_FEED)
      this.#position++
    this.#position++
    this.#record++
  }

  #isBlank(start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at]
      if (byte !== this.#delimiter && byte > SPACE) return false
    }
    return true
  }

  #wrongCount(cells: number, columns: number, start: number): DataError {
    const lines = this.#bytes.subarray(start, this.#position).includes(LINE_FEED)
    const hint = lines
      ? 'A quote is opened in this row and closed lines later: look for a stray ".'
      : 'The file may be cut off here, or a cell holds the separator without quotes round it.'
    return new DataError(
      `${this.#file}, row ${this.#record}: ${cells} cells, where the header has ${columns}. ${hint}`,
    )
  }
}

function resized<Numbers extends Uint32Array | Int32Array>(numbers: Numbers, larger: Numbers): Numbers {
  larger.set(numbers)
  return larger
}

/** The text between two places, without spaces and quotes round it. */
function cellText(bytes: Buffer, start: number, end: number, ascii: boolean): string {
  while (start < end && bytes[start] <= SPACE) start++
  while (end > start && bytes[end - 1] <= SPACE) end--
  if (start === end) return ''
  const quoted = bytes[start] === QUOTE && end - start > 1 && bytes[end - 1] === QUOTE
  if (ascii && !quoted) return bytes.toString('latin1', start, end)
  if (!quoted) return bytes.toString('utf8', start, end).trim()
  return bytes
    .toString('utf8', start + 1, end - 1)
    .replaceAll('""', '"')
    .trim()
}

class DelimitedTable implements Table {
  readonly file: string
  readonly columns: readonly string[]
  readonly length: number
  readonly rowNumbers: Int32Array
  readonly #bytes: Buffer
  readonly #starts: Uint32Array
  readonly #ascii: boolean
  #rows: string[][] | null = null

  constructor(
    file: string,
    columns: readonly string[],
    bytes: Buffer,
    starts: Uint32Array,
    rowNumbers: Int32Array,
  ) {
    this.file = file
    this.columns = columns
    this.length = rowNumbers.length
    this.rowNumbers = rowNumbers
    this.#bytes = bytes
    this.#starts = starts
    this.#ascii = isAscii(bytes)
  }

  cell(row: number, column: number): string {
    const at = row * (this.columns.length + 1) + column
    return cellText(this.#bytes, this.#starts[at], this.#starts[at + 1] - 1, this.#ascii)
  }

  coded(column: number): CodedColumn {
    const starts = this.#starts
    const width = this.columns.length + 1
    const dictionary = new ByteDictionary(this.#bytes)
    const texts: string[] = []
    let codes: Codes = new Uint8Array(this.length)
    for (let row = 0, at = column; row < this.length; row++, at += width) {
      const code = dictionary.add(starts[at], starts[at + 1] - 1)
      if (code === texts.length) {
        texts.push(this.cell(row, column))
        if (code === 1 << 8) codes = Uint16Array.from(codes)
        if (code === 1 << 16) codes = Uint32Array.from(codes)
      }
      codes[row] = code
    }
    return merged(codes, texts)
  }

  get rows(): readonly (readonly string[])[] {
    this.#rows ??= Array.from({ length: this.length }, (_, row) =>
      this.columns.map((_, column) => this.cell(row, column)),
    )
    return this.#rows
  }
}

/** `"F"`, ` F` and `F` are different bytes but one text. */
function merged(codes: Codes, texts: readonly string[]): CodedColumn {
  const known = new Map<string, number>()
  const changed = Uint32Array.from(texts, (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    known.set(text, known.size)
    return known.size - 1
  })
  if (known.size === texts.length) return { codes, texts }
  return { codes: codes.map((code) => changed[code]), texts: [...known.keys()] }
}
