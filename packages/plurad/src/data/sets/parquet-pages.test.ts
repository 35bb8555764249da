import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { DataError } from '../../errors.js'
import { readTable } from './table.js'

const fixtures = fileURLToPath(new URL('../../../test/fixtures/tables/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'plurad-parquet-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Reads a fixture with some bytes replaced, the first time that they come up at or after `from`. */
async function readWith(name: string, from: number, bytes: string, others: string): Promise<string> {
  const file = readFileSync(join(fixtures, name))
  const at = file.indexOf(Buffer.from(bytes, 'hex'), from)
  expect(at).toBeGreaterThanOrEqual(from)
  Buffer.from(others, 'hex').copy(file, at)
  const path = join(folder, name)
  writeFileSync(path, file)
  const error: unknown = await readTable(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DataError)
  return (error as Error).message
}

describe('a Parquet file whose counts do not add up', () => {
  // The first column of none.parquet: a dictionary of two values at byte 4, a page of two at byte 36.
  it.each(['none.parquet', 'snappy.parquet'])(
    'is refused for a page with too many values: %s',
    async (name) => {
      const file = readFileSync(join(fixtures, name))
      const page = file.indexOf(Buffer.from('2c1504', 'hex'))
      const message = await readWith(name, page, '2c1504', '2c157e')
      expect(message).toMatch(/parquet: damaged.*column "image": a page of 63 values, where the column has 2/)
    },
  )

  it('is refused for a dictionary that is larger than its bytes', async () => {
    const message = await readWith('none.parquet', 4, '152415244c1504', '150215244c157e')
    expect(message).toContain('a dictionary of 63 values in 1 bytes')
  })
})
