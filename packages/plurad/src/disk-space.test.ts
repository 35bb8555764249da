import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { formatBytes, requireSpace } from './disk-space.js'
import { PluradError } from './errors.js'

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [4120, '4.1 kB'],
    [999_499, '999 kB'],
    [999_600, '1.0 MB'],
    [88e6, '88 MB'],
    [3_889_293_042, '3.9 GB'],
    [45.08e9, '45 GB'],
    [2e15, '2000 TB'],
  ])('%i is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})

describe('requireSpace', () => {
  it('lets pass what fits and says how much is missing', async () => {
    await requireSpace(tmpdir(), 1, 'this', 'Free some.')
    await expect(requireSpace(tmpdir(), 1e18, 'this', 'Free some.')).rejects.toThrow(
      /free, this needs about 1000000 TB. Free some./,
    )
    await expect(requireSpace(tmpdir(), 1e18, 'this', '')).rejects.toThrow(PluradError)
  })
})
