import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { csvFormatRows } from 'd3-dsv'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError } from '../../errors.js'
import { columnIndex, readColumns, readTable } from './table.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-table-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function tableOf(content: string | Uint8Array, name = 'table.csv') {
  await writeFile(join(folder, name), content)
  return readTable(join(folder, name))
}

const plain = {
  columns: ['image', 'Mass'],
  rows: [
    ['a.png', '1'],
    ['b.png', '0'],
  ],
}

describe('readTable', () => {
  it.each([
    ['a plain file', 'image,Mass\na.png,1\nb.png,0\n', 'table.csv'],
    ['a byte order mark and CRLF', '\ufeffimage,Mass\r\na.png,1\r\nb.png,0\r\n', 'table.csv'],
    ['quotes and stray spaces', '"image", Mass \n"a.png",1\n b.png ,"0"', 'table.csv'],
    ['tabs', 'image\tMass\na.png\t1\nb.png\t0\n', 'table.tsv'],
    ['tabs in a .csv', 'image\tMass\na.png\t1\nb.png\t0\n', 'table.csv'],
    ['semicolons', 'image;Mass\na.png;1\nb.png;0\n', 'table.csv'],
    ['blank lines and commas at every end', 'image,Mass,\n\na.png,1,\n,,\nb.png,0,\n\n', 'table.csv'],
    ['gzip', gzipSync('image,Mass\na.png,1\nb.png,0\n'), 'table.csv.gz'],
    ['carriage returns alone', 'image,Mass\ra.png,1\rb.png,0\r', 'table.csv'],
    ['a space after a closing quote', 'image,Mass\n"a.png" ,1\nb.png,"0" \n', 'table.csv'],
    ['UTF-16', Buffer.from('\ufeffimage\tMass\na.png\t1\nb.png\t0\n', 'utf16le'), 'table.csv'],
  ])('reads %s', async (_, content, name) => {
    const { columns, rows } = await tableOf(content, name)
    expect({ columns, rows }).toEqual(plain)
  })

  it('reads many rows, also where the first lines are longer than the others', async () => {
    const long = 'x'.repeat(5000)
    const rows = Array.from({ length: 30000 }, (_, row) => [
      row < 20 ? long : `${row}`,
      'é'.repeat(row % 4),
      `${row % 3}`,
    ])
    const table = await tableOf(csvFormatRows([['image', 'b', 'c'], ...rows]))
    expect(table.length).toBe(30000)
    expect(table.rows).toEqual(rows)
    const { codes, texts } = table.coded(0)
    expect(texts).toHaveLength(29981)
    expect([0, 1, 19, 20, 29999].map((row) => texts[codes[row]])).toEqual([long, long, long, '20', '29999'])
  })

  it('gives every different text of a column once, however it is written', async () => {
    const table = await tableOf('a,b\n1,"F"\n2,F\n3, F \n4,M\n5,\n6,""\n')
    const { codes, texts } = table.coded(1)
    expect(texts).toEqual(['F', 'M', ''])
    expect([...codes]).toEqual([0, 0, 0, 1, 2, 2])
  })

  it('numbers rows as the file does, header and blank lines counted', async () => {
    const { rowNumbers } = await tableOf('image,Mass\n\na.png,1\n\n\nb.png,0\n')
    expect([...rowNumbers]).toEqual([3, 6])
  })

  it('reads back whatever was written, separators and quotes in the cells too', async () => {
    const cell = fc
      .string({ unit: fc.constantFrom('a', ',', '"', ';', '\t', 'é', '1', '|') })
      .map((text) => text.trim())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constant('x'), cell, cell), { minLength: 1, maxLength: 5 }),
        async (rows) => {
          const table = await tableOf(csvFormatRows([['image', 'b', 'c'], ...rows]))
          expect(table.rows).toEqual(rows)
          const coded = [0, 1, 2].map((column) => table.coded(column))
          expect(rows.map((_, row) => coded.map(({ codes, texts }) => texts[codes[row]]))).toEqual(rows)
          expect(new Set(coded[1].texts).size).toBe(coded[1].texts.length)
        },
      ),
      { numRuns: 30 },
    )
  })

  it.each([
    ['an empty file', '', /table\.csv: the file is empty.*header/],
    ['a header alone', 'image,Mass\n', /table\.csv: a header but no rows/],
    ['a row that is cut off', 'image,Mass\na.png,1\nb.p', /row 3: 1 cells, where the header has 2.*cut off/],
    ['a row with too many cells', 'image,Mass\na,b.png,1\n', /row 2: 3 cells/],
    [
      'a quote that is never closed',
      'image,Mass\na.png,"1\nb.png,0\nc.png,1\n',
      /row 2: a quote is opened here and never/,
    ],
    ['text after a quote', 'image,Mass\n"a".png,1\n', /row 2: text after a closing quote: "a"\.png,1/],
    ['a quote that swallows cells', 'image,Mass\n"a.png,1\nb.png,0\n', /row 2: .*quote/],
  ])('refuses %s', async (_, content, message) => {
    const error: unknown = await tableOf(content).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DataError)
    expect((error as Error).message).toMatch(message)
  })

  it('refuses a cut-off gzip file and a missing one', async () => {
    const whole = gzipSync('image,Mass\n' + 'a.png,1\n'.repeat(100))
    await expect(tableOf(whole.subarray(0, 40), 'cut.csv.gz')).rejects.toThrow(
      /cut\.csv\.gz: damaged or cut-off gzip/,
    )
    await expect(readTable(join(folder, 'none.csv'))).rejects.toThrow(/none\.csv: no such file/)
  })
})

interface Expected {
  columns: string[]
  rows: string[][]
  rowNumbers: number[]
}

/** Written by openpyxl and pyarrow: see make_tables.py. */
const fixtures = fileURLToPath(new URL('../../../test/fixtures/tables', import.meta.url))
const written = JSON.parse(readFileSync(join(fixtures, 'tables.json'), 'utf8')) as Record<string, Expected>

describe('workbooks and Parquet files', () => {
  it.each(Object.keys(written))('reads %s', async (name) => {
    const [file, sheet] = name.split('#')
    const table = await readTable(join(fixtures, file), { sheet })
    const { columns, rows, rowNumbers } = written[name]
    expect(table.columns).toEqual(columns)
    expect(table.rows).toEqual(rows)
    expect([...table.rowNumbers]).toEqual(rowNumbers)
    expect(await readColumns(join(fixtures, file), { sheet })).toEqual(columns)
    const { codes, texts } = table.coded(0)
    expect([...codes].map((code) => texts[code])).toEqual(rows.map((row) => row[0]))
    expect(table.cell(2, 1)).toBe(rows[2][1])
  })

  it('names the sheets that there are', async () => {
    await expect(readTable(join(fixtures, 'labels.xlsx'), { sheet: 'Labels' })).rejects.toThrow(
      /labels\.xlsx: .*Labels.*Read me, labels/,
    )
  })

  it('refuses a column of lists by name', async () => {
    await expect(readTable(join(fixtures, 'nested.parquet'))).rejects.toThrow(
      /nested\.parquet, column "findings": holds lists/,
    )
  })

  it.each([
    ['cut.xlsx', 'labels.xlsx', /cut\.xlsx: cannot be read as a workbook/],
    ['cut.parquet', 'snappy.parquet', /cut\.parquet: damaged, cut off or not Parquet/],
  ])('refuses %s', async (name, from, message) => {
    const whole = readFileSync(join(fixtures, from))
    await expect(tableOf(whole.subarray(0, whole.length / 2), name)).rejects.toThrow(message)
    await expect(readTable(join(folder, `no-${name}`))).rejects.toThrow(/no such file/)
  })
})

describe('columnIndex', () => {
  it('suggests a near name, and refuses a double one', async () => {
    const table = await tableOf('image,Mass,Mass\na.png,1,0\n')
    expect(columnIndex(table, 'image')).toBe(0)
    expect(() => columnIndex(table, 'Image')).toThrow(/no column "Image".*"image".*Did you mean "image"\?/)
    expect(() => columnIndex(table, 'Mass')).toThrow('two columns are called "Mass"')
  })
})
