import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const program = fileURLToPath(new URL('../../../bench/fuzz.mjs', import.meta.url))

interface Row {
  format: string
  files: number
  accepted: number
  refused: number
  failed: number
}

/**
 * A short run of bench/fuzz.mjs, in processes of its own, as damaged files may end one. It reads what was built, and
 * starts from the fixtures alone, so it does the same everywhere.
 */
describe('damaged files', () => {
  it('are refused by name or read as something consistent, by every reader', () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [program, '--files', '500', '--seed', '7', '--json'],
      {
        encoding: 'utf8',
        env: { ...process.env, PLURAD_DATA: '/nonexistent' },
      },
    )
    expect(stderr).toBe('')
    const rows = JSON.parse(stdout) as Row[]
    expect(rows.map(({ format }) => format)).toEqual(
      expect.arrayContaining([
        'png',
        'jpeg',
        'tiff',
        'dicom',
        'nifti',
        'npy',
        'npz',
        'csv',
        'tsv',
        'xlsx',
        'parquet',
      ]),
    )
    for (const { format, files, accepted, refused, failed } of rows) {
      expect({ format, failed }).toEqual({ format, failed: 0 })
      expect(accepted + refused).toBe(files)
      expect({ format, refused: refused > 0 }).toEqual({ format, refused: true })
    }
    // Damage that everything is refused for tests little.
    expect(rows.reduce((sum, { accepted }) => sum + accepted, 0)).toBeGreaterThan(50)
  })
})
