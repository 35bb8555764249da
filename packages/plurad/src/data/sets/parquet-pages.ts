import type { AsyncBuffer, FileMetaData } from 'hyparquet'

/**
 * Checks the numbers of values in a Parquet file against each other before it is read: row groups against the file,
 * columns against their row group, pages against their column. hyparquet 1.31 takes memory and time for as many values
 * as a page header says, so that a single wrong byte there can mean gigabytes.
 *
 * @param buffer the file
 * @param metadata with flat columns only: as many values as rows
 * @throws Error where they do not add up
 */
export async function assertPages(buffer: AsyncBuffer, metadata: FileMetaData): Promise<void> {
  const groups = metadata.row_groups
  const rows = groups.reduce((sum, group) => sum + Number(group.num_rows), 0)
  if (rows !== Number(metadata.num_rows))
    throw new Error(`${metadata.num_rows} rows, of which its groups hold ${rows}`)
  for (const group of groups) {
    for (const { meta_data: column } of group.columns) {
      if (column === undefined) continue
      const [values, size] = [Number(column.num_values), Number(column.total_compressed_size)]
      const name = column.path_in_schema.join('.')
      if (values !== Number(group.num_rows))
        throw new Error(`column "${name}" says ${values} values for ${group.num_rows} rows`)
      const start = Number(column.dictionary_page_offset ?? column.data_page_offset)
      if (!(start >= 0 && size >= 0 && start + size <= buffer.byteLength))
        throw new Error(`column "${name}" lies outside of the file`)
      assertColumn(new PageHeaders(await buffer.slice(start, start + size)), name, values)
    }
  }
}

function assertColumn(headers: PageHeaders, name: string, values: number): void {
  let found = 0
  for (let page = headers.next(); page !== null && found < values; page = headers.next()) {
    if (page.isDictionary) {
      // A value of a dictionary takes a bit at the least.
      if (page.values > page.size * 8)
        throw new Error(`column "${name}": a dictionary of ${page.values} values in ${page.size} bytes`)
      continue
    }
    found += page.values
    if (page.values < 0 || found > values)
      throw new Error(`column "${name}": a page of ${page.values} values, where the column has ${values}`)
  }
}

interface Page {
  isDictionary: boolean
  values: number
  /** Bytes once it is unpacked. */
  size: number
}

/** Types of Thrift's compact protocol. */
const [TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT] = [1, 2, 3, 7, 8, 9, 10, 11, 12]

/** Fields of a page header, and of the headers of the kinds of pages that are in it. */
const [UNPACKED, PACKED, DATA, DICTIONARY, DATA_V2] = [2, 3, 5, 7, 8]

/** The deepest nesting that is followed. */
const DEEPEST = 16

/** Reads the headers of a column's pages, one after the other, and skips what is in between. */
class PageHeaders {
  readonly #view: DataView
  #at = 0

  constructor(bytes: ArrayBuffer) {
    this.#view = new DataView(bytes)
  }

  /** Null at the end. */
  next(): Page | null {
    if (this.#at >= this.#view.byteLength - 1) return null
    const numbers = new Map<string, number>()
    this.#struct('', numbers, 0)
    const packed = numbers.get(`${PACKED}`) ?? 0
    if (packed < 0) throw new Error(`a page of ${packed} bytes`)
    this.#at += packed
    const kind = [DATA, DICTIONARY, DATA_V2].find((field) => numbers.has(`${field}.1`))
    return {
      isDictionary: kind === DICTIONARY,
      values: numbers.get(`${kind ?? DATA}.1`) ?? 0,
      size: numbers.get(`${UNPACKED}`) ?? 0,
    }
  }

  /** Gathers integers by their path, such as `5.1` for the first field of field 5. */
  #struct(path: string, numbers: Map<string, number>, depth: number): void {
    if (depth > DEEPEST) throw new Error('a page header that is nested too deeply')
    for (let field = 0; ;) {
      const byte = this.#byte()
      const type = byte & 15
      if (type === 0) return
      field = byte >> 4 === 0 ? this.#zigzag() : field + (byte >> 4)
      this.#value(type, `${path}${field}`, numbers, depth)
    }
  }

  #value(type: number, path: string, numbers: Map<string, number>, depth: number): void {
    if (type === TRUE || type === FALSE) return
    if (type === BYTE) this.#at++
    else if (type === DOUBLE) this.#at += 8
    else if (type === BINARY) this.#skip(this.#varint())
    else if (type === STRUCT) this.#struct(`${path}.`, numbers, depth + 1)
    else if (type === LIST || type === SET || type === MAP) throw new Error('a page header that holds a list')
    else numbers.set(path, this.#zigzag())
  }

  #skip(length: number): void {
    this.#at += length
  }

  #byte(): number {
    if (this.#at >= this.#view.byteLength) throw new Error('a page header that is cut off')
    return this.#view.getUint8(this.#at++)
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
      if (scale > 2 ** 56) throw new Error('a number in a page header that does not end')
    }
  }

  /** Signed numbers: 0, -1, 1, -2, … as 0, 1, 2, 3, … */
  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
