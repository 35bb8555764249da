import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type FileMetaData,
} from 'hyparquet'
import { compressors, type Compressors } from 'hyparquet-compressors'
import { DataError } from '../../errors.js'
import { textOf } from './cell-text.js'
import { unreadable } from './file-bytes.js'
import { assertPages } from './parquet-pages.js'
import { noRows } from './table-of-rows.js'
import type { CodedColumn, Table } from './table.js'

/** What pandas writes its row numbers into. */
const ROW_INDEX = /^__index_level_\d+__$/

/** hyparquet-compressors 1.1.2 takes an LZ4 block of nothing, which a column of blanks is, for damaged. */
const unpackers: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([name, unpack]) => [
    name,
    (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array(0) : unpack(input, length)),
  ]),
)

/**
 * A Parquet file with plain columns: text, numbers, true/false, dates. Rows are numbered from 1, as there is no header.
 *
 * @throws DataError naming the file, for columns that hold lists or structures also these
 */
export async function readParquet(file: string): Promise<Table> {
  const { buffer, metadata } = await openParquet(file)
  const columns = plainColumns(file, metadata)
  await assertPages(buffer, metadata).catch((error: unknown) => {
    throw damaged(file, error)
  })
  const length = Number(metadata.num_rows)
  if (length === 0) throw noRows(file)
  const coders = new Map(columns.map((name) => [name, new Coder(length)]))
  await parquetRead({
    file: buffer,
    metadata,
    columns,
    compressors: unpackers,
    onChunk: ({ columnName, columnData, rowStart }) => {
      const coder = coders.get(columnName)
      for (let row = 0; row < columnData.length; row++) coder?.set(rowStart + row, columnData[row])
    },
  }).catch((error: unknown) => {
    throw damaged(file, error)
  })
  return new CodedTable(file, trimmed(columns), [...coders.values()], length)
}

/** Its column names. */
export async function readParquetHeader(file: string): Promise<readonly string[]> {
  return trimmed(plainColumns(file, (await openParquet(file)).metadata))
}

const trimmed = (names: readonly string[]): string[] => names.map((name) => name.trim())

async function openParquet(file: string) {
  const buffer = await asyncBufferFromFile(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
    throw damaged(file, error)
  })
  return { buffer, metadata }
}

function damaged(file: string, error: unknown): DataError {
  const why = (error as Error).message
  return new DataError(`${file}: damaged, cut off or not Parquet: ${why}. Copy it again from its source.`, {
    cause: error,
  })
}

function plainColumns(file: string, metadata: FileMetaData): string[] {
  const names: string[] = []
  for (const { element, children } of parquetSchema(metadata).children) {
    if (ROW_INDEX.test(element.name)) continue
    if (children.length > 0 || element.repetition_type === 'REPEATED') {
      throw new DataError(
        `${file}, column "${element.name}": holds lists or structures. Only plain columns are read (text, numbers, ` +
          'true/false, dates): write the list as text, such as "Mass|Nodule", or leave the column out.',
      )
    }
    names.push(element.name)
  }
  return names
}

/** Gathers a column, every different text once. */
class Coder implements CodedColumn {
  readonly codes: Uint32Array
  readonly texts: string[] = []
  readonly #known = new Map<unknown, number>()

  constructor(length: number) {
    this.codes = new Uint32Array(length)
  }

  set(row: number, value: unknown): void {
    // Dates and bytes are new objects in every row; all else is known by its value already.
    const key = typeof value === 'object' ? (textOf(value) ?? '') : value
    let code = this.#known.get(key)
    if (code === undefined) {
      const text = textOf(key) ?? ''
      code = this.#known.get(text) ?? this.texts.push(text) - 1
      this.#known.set(text, code)
      this.#known.set(key, code)
    }
    this.codes[row] = code
  }
}

class CodedTable implements Table {
  readonly file: string
  readonly columns: readonly string[]
  readonly length: number
  readonly rowNumbers: Int32Array
  readonly #coded: readonly CodedColumn[]
  #rows: string[][] | null = null

  constructor(file: string, columns: readonly string[], coded: readonly CodedColumn[], length: number) {
    this.file = file
    this.columns = columns
    this.length = length
    this.rowNumbers = Int32Array.from({ length }, (_, row) => row + 1)
    this.#coded = coded
  }

  cell(row: number, column: number): string {
    const { codes, texts } = this.#coded[column]
    return texts[codes[row]] ?? ''
  }

  coded(column: number): CodedColumn {
    return this.#coded[column]
  }

  get rows(): readonly (readonly string[])[] {
    this.#rows ??= Array.from({ length: this.length }, (_, row) =>
      this.columns.map((_, column) => this.cell(row, column)),
    )
    return this.#rows
  }
}
