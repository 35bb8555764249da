import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { elementsOf, expectOwnScriptOnly, found } from '../../../test/html.js'
import { auditDataset } from '../../data/audit/audit.js'
import { picturesOf } from '../../data/audit/pictures.js'
import type { Dataset } from '../../data/dataset.js'
import { inspectDataset } from '../../data/inspect/inspect.js'
import { generatePhantoms } from '../../data/phantom/index.js'
import { openDataset } from '../../data/sets/open.js'
import { auditPage } from './audit-page.js'
import { inspectPage } from './inspect-page.js'

const jobs = { window: 'file', bits: null, workers: 0 } as const

let folder: string
let location: string
let dataset: Dataset
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-pages-'))
  location = join(folder, 'phantoms')
  await generatePhantoms(location, { count: 60, size: 48, seed: 2 })
  const opened = await openDataset(location)
  // Names as a clinic has them, with what would break a page that took them for HTML.
  const samples = opened.samples.map((sample, row) => ({
    ...sample,
    image: `folder/image-${row}.png`,
    patient: `<secret ${sample.patient}>`,
    split: row % 3 === 0 ? ('test' as const) : ('train' as const),
  }))
  dataset = { ...opened, labels: ['<b>"Effusion"</b>', ...opened.labels.slice(1)], samples }
})
afterAll(() => rm(folder, { recursive: true }))

const OUTSIDE = /https?:|<script src|<link|<iframe|@import|url\(|src="(?!data:image\/jpeg;base64,)/i

function expectWhole(page: string): string[] {
  const names = elementsOf(page)
  expect(found(page, OUTSIDE)).toBe('')
  expectOwnScriptOnly(page)
  const text = page.replace(/<script>[^]*<\/script>/, '').replace(/base64,[^"]*/g, '')
  expect(found(text, /NaN|undefined|Infinity|\[object/)).toBe('')
  return names
}

describe('the page of an inspection', () => {
  it('needs nothing else, has every figure and picture, and names no patient and no image', async () => {
    const inspection = await inspectDataset(dataset, { sample: null, contact: 3 })
    const page = await inspectPage(inspection)
    const names = expectWhole(page)
    // Frequencies, labels a row, co-occurrence, rows a patient, age, view, values.
    expect(names.filter((name) => name === 'svg').length).toBe(7)
    const pictures = inspection.contact?.reduce((sum, { images }) => sum + images.length, 0)
    expect(names.filter((name) => name === 'img').length).toBe(pictures)
    expect(found(page, /secret|image-\d/)).toBe('')
  })

  it('names them where that is wanted', async () => {
    const page = await inspectPage(await inspectDataset(dataset, { sample: 0, contact: 2 }), {
      withIds: true,
    })
    expectWhole(page)
    expect(page).toMatch(/image-\d+\.png/)
    expect(page).toContain('patient &lt;secret ')
    expect(page).not.toContain('folder/image')
  })

  it('is made of a table alone too, of one without labels known, patients, ages and views', async () => {
    const samples = dataset.samples.map((sample) => ({
      ...sample,
      patient: null,
      labels: sample.labels.map(() => null),
      metadata: { age: null, sex: null, view: null },
      split: undefined,
    }))
    expectWhole(await inspectPage(await inspectDataset({ ...dataset, samples }, { sample: 0 })))
  })

  it('draws a hundred labels', async () => {
    const labels = Array.from(
      { length: 100 },
      (_, index) => `a rather long name of a finding, number ${index}`,
    )
    const samples = dataset.samples.map((sample, row) => ({
      ...sample,
      labels: labels.map((_, label) => (row % (label + 1) === 0 ? (1 as const) : (0 as const))),
    }))
    expectWhole(await inspectPage(await inspectDataset({ ...dataset, labels, samples }, { sample: 0 })))
  })
})

describe('the page of an audit', () => {
  it('needs nothing else, has findings with their pictures, and names no patient', async () => {
    const [first, second, ...others] = dataset.samples
    const samples = [first, { ...second, path: first.path, patient: 'another' }, ...others]
    const audit = await auditDataset({ ...dataset, samples }, { location })
    const pictures = await picturesOf(audit, 10, jobs)
    const page = auditPage(audit, { items: 10, pictures })
    const names = expectWhole(page)
    expect(names.filter((name) => name === 'img').length).toBeGreaterThanOrEqual(2)
    expect(page).toContain('folder/image-0.png (test) = folder/image-1.png (train)')
    expect(page).toMatch(/\d+ patients with images in more than one split/)
    expect(found(page, /secret/)).toBe('')
  })

  it('is made of an audit that found nothing', () => {
    const nothing = {
      rows: 1,
      images: 1,
      patients: null,
      labels: 1,
      splits: null,
      findings: [],
      passed: [],
      notChecked: [],
    }
    expectWhole(auditPage({ name: '<x>', ...nothing }, { items: 10 }))
  })
})
