import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, plurad, succeed } from '../../../test/cli.js'
import { generatePhantoms } from '../../data/phantom/index.js'
import { openDataset } from '../../data/sets/open.js'
import { auditText } from './audit-text.js'

interface Outcome {
  errors: number
  findings: { check: string; severity: string; examples: string[]; images: string[] }[]
  written: string[]
}

let folder: string
let phantoms: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-audit-'))
  phantoms = join(folder, 'phantoms')
  await generatePhantoms(phantoms, { count: 48, size: 32, seed: 4 })
})
afterAll(() => rmSync(folder, { recursive: true }))

const json = (stdout: string): Outcome => JSON.parse(stdout) as Outcome

/** As public copies come: class folders below train, valid and test, divided by image instead of by patient. */
async function leakingFolder(): Promise<string> {
  const copy = join(folder, 'leaking')
  const { samples, labels } = await openDataset(phantoms)
  samples.forEach((sample, row) => {
    const split = ['train', 'train', 'valid', 'test'][row % 4] ?? 'train'
    const label = labels[sample.labels.indexOf(1)] ?? 'No Finding'
    const place = join(copy, split, label)
    mkdirSync(place, { recursive: true })
    copyFileSync(sample.path, join(place, sample.image))
  })
  return copy
}

describe('plurad data audit', () => {
  it('ends with 1 on a folder whose train, valid and test share patients', async () => {
    const leaking = await leakingFolder()
    const { code, stdout, stderr } = await plurad(['data', 'audit', leaking])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toMatch(/^ERROR {4}\d+ patients with images in more than one split/m)
    expect(stdout).toContain('Do not use this split')
    const outcome = json((await plurad(['data', 'audit', leaking, '--json'])).stdout)
    expect(outcome.errors).toBe(1)
    expect(outcome.findings[0]).toMatchObject({ check: 'patients-in-several-splits', severity: 'error' })
    expect(outcome.findings[0].examples.length).toBeLessThanOrEqual(10)
    expect(outcome.findings[0].images.length).toBeGreaterThan(10)
  })

  it('ends with 0 on a sound one, and writes page and JSON', async () => {
    const out = join(folder, 'report')
    const { stdout } = await succeed(['data', 'audit', phantoms, '--out', out, '--workers', '2'])
    expect(stdout).toContain('0 errors')
    expect(stdout).toContain('every file can be read (48 images)')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect(existsSync(join(out, 'audit.html'))).toBe(true)
    expect(json(readFileSync(join(out, 'audit.json'), 'utf8'))).toMatchObject({ errors: 0 })
  })

  it('checks a split given beside the data set, and tables without images', async () => {
    const { samples } = await openDataset(phantoms)
    const lines = samples.map(
      ({ image, patient }, row) => `${image},${patient},${row % 2 ? 'train' : 'test'}`,
    )
    const file = join(folder, 'by-image.csv')
    writeFileSync(file, ['image,patient,split', ...lines, ''].join('\n'))
    const table = join(folder, 'Data_Entry_2017.csv')
    copyFileSync(join(phantoms, 'Data_Entry_2017.csv'), table)
    const of = ['data', 'audit', table, '--rows-only', '--json']
    expect(json((await succeed(of)).stdout)).toMatchObject({ errors: 0 })
    const { code, stdout } = await plurad([...of, '--split-file', file])
    expect(code).toBe(1)
    expect(json(stdout).findings[0].check).toBe('patients-in-several-splits')
  })

  it('refuses what it cannot do before it reads anything', async () => {
    const wrong = (args: readonly string[]) => fail(['data', 'audit', phantoms, ...args], { code: 2 })
    expect(await wrong(['--workers', 'two'])).toContain('--workers two')
    expect(await wrong(['--out', join(phantoms, 'README.md')])).toContain('--out')
    expect(await wrong(['--bits', '99'])).toContain('bits')
    await fail(['data', 'audit', join(folder, 'nowhere')])
  })
})

describe('auditText', () => {
  const finding = {
    ...{ check: 'copies-across-patients', severity: 'warning' as const, count: 30, images: [] },
    ...{ summary: '30 images are copies', advice: 'Look at them, and then look again.' },
  }
  const about = { name: 'x', rows: 3, images: 6, patients: null, labels: 1, splits: { train: 2, test: 1 } }

  it('shows ten items and counts the others', () => {
    const items = Array.from({ length: 30 }, (_, index) => `image ${index}`)
    const text = auditText({ ...about, findings: [{ ...finding, items }], passed: [], notChecked: [] }, [])
    expect(text).toContain('x: 3 rows with 6 images, patients unknown, 1 label; train 2, test 1\n')
    expect(text).toContain('WARNING  30 images are copies  [copies-across-patients]\n')
    expect(text).toContain('         image 9\n         … and 20 more\n')
    expect(text).not.toContain('image 10')
    expect(text).toContain('0 errors, 1 warning, 0 notes.\n')
  })
})
