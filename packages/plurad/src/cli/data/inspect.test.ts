import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, succeed } from '../../../test/cli.js'
import type { LabelValue, Sample } from '../../data/dataset.js'
import { inspectDataset } from '../../data/inspect/inspect.js'
import { generatePhantoms } from '../../data/phantom/index.js'
import { inspectText } from './inspect-text.js'

let folder: string
let phantoms: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-inspect-'))
  phantoms = join(folder, 'phantoms')
  await generatePhantoms(phantoms, { count: 30, size: 32, seed: 4 })
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('plurad data inspect', () => {
  it('prints JSON, and writes a page', async () => {
    const page = join(folder, 'page.html')
    const { stdout, stderr } = await succeed(['data', 'inspect', phantoms, '--json', '--out', page])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ data: 'phantoms', rows: 30, written: [page] },
      images: { examined: 30, sizes: [{ value: '32 x 32', images: 30 }] },
    })
    expect(readFileSync(page, 'utf8')).toContain('Contact sheet')
  })

  it('does with a table alone', async () => {
    const table = join(folder, 'table.csv')
    writeFileSync(table, 'image,patient,A,B\na.png,1,1,\nb.png,1,0,1\nc.png,2,0,0\n')
    const { stdout } = await succeed(['data', 'inspect', table, '--rows-only', '--groups', 'count'])
    expect(stdout).toContain('table: 3 rows, 2 patients, 2 labels\n')
    expect(stdout).toContain('1 label value (16.7 %) in 1 row\n')
    expect(stdout).toMatch(/^A +1 +33\.3 % +1 +0 {2}tail$/m)
  })

  it('refuses what it cannot do', async () => {
    const wrong = (args: readonly string[]) => fail(['data', 'inspect', phantoms, ...args], { code: 2 })
    expect(await wrong(['--groups', 'size'])).toContain('expected share or count')
    expect(await wrong(['--sample', '-3'])).toContain('--sample -3')
  })
})

describe('inspectText', () => {
  it('stays within 100 columns whatever labels are called and counted', async () => {
    const labels = Array.from({ length: 45 }, (_, index) =>
      index % 5 === 0
        ? `a name of a finding that is longer than any table has room for, number ${index}`
        : `L${index}`,
    )
    const samples = Array.from({ length: 500 }, (_, row): Sample => ({
      ...{ image: `${row}.png`, path: '', patient: `${row >> 1}` },
      labels: labels.map((_, label): LabelValue => (row % (label + 1) === 0 ? 1 : row % 7 === 0 ? null : 0)),
      metadata: { age: row % 90, sex: 'F', view: `a view with a very long name, number ${row % 20}` },
      split: row % 5 === 0 ? 'test' : 'train',
    }))
    const data = { name: 'x', labels, samples, skipped: [], fingerprint: '' }
    const text = inspectText(await inspectDataset(data, { sample: 0 }), ['A note.'], ['somewhere.html'])
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
    expect(text).toContain('Labels that come together most')
    const few = {
      ...data,
      labels: labels.slice(0, 8),
      samples: samples.map((row) => ({ ...row, labels: row.labels.slice(0, 8) })),
    }
    const matrix = inspectText(await inspectDataset(few, { sample: 0 }), [], [])
    expect(matrix).toContain('Rows that have both labels')
    expect(Math.max(...matrix.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })
})
