import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RunError } from '../errors.js'
import type { MultilabelMetrics } from '../metrics/index.js'
import { writeExampleRun, writeHalfRun } from '../../test/example-run.js'
import { elementsOf, expectOwnScriptOnly, found } from '../../test/html.js'
import { renderReport, writeReport } from './index.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-report-'))
})
afterAll(() => rm(folder, { recursive: true }))

function textOf(page: string): string {
  return page
    .replace(/<(style|script)>[^]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
}

describe('report of a finished run', () => {
  let page: string
  let metrics: MultilabelMetrics
  beforeAll(async () => {
    const run = join(folder, 'finished-run')
    metrics = (await writeExampleRun(run, { absentInTest: 'Hernia' })).test
    await writeReport(run)
    page = await readFile(join(run, 'report.html'), 'utf8')
    expect((await readdir(run)).filter((file) => file.endsWith('.tmp'))).toEqual([])
  })

  it('is well-formed and has every figure', () => {
    const names = elementsOf(page)
    // 3 of training, 3 of frequencies, 1 of co-occurrence, and a ROC curve for all labels but Hernia.
    expect(names.filter((name) => name === 'svg').length).toBe(3 + 3 + 1 + 13)
    expect(names.filter((name) => name === 'script').length).toBe(1)
    expect(found(page.replace(/<script>[^]*<\/script>/, ''), /NaN|undefined|Infinity|\[object/)).toBe('')
  })

  it('needs nothing from outside and runs its own script only', () => {
    expect(found(page, /https?:|<script src|<link|<img|<iframe|@import|url\(/i)).toBe('')
    expectOwnScriptOnly(page)
  })

  it('shows the numbers of metrics.json', () => {
    const body = /<tbody>([^]*?)<\/tbody>/.exec(page)?.[1] ?? ''
    const rows = body.split('</tr>').slice(0, -1)
    const cells = rows.map((row) => [...row.matchAll(/<td data-value="([^"]*)">\s*([^<\s]*)/g)])
    expect(rows.length).toBe(14)
    for (const [r, label] of metrics.labels.entries()) {
      expect(cells[r].map(([, value]) => value)).toEqual(
        [
          label.label,
          label.positives,
          label.auc,
          label.average_precision,
          label.f1,
          label.threshold,
          label.precision,
          label.recall,
        ].map((value) => String(value ?? '')),
      )
      expect(cells[r][2][2]).toBe(label.auc === null ? '–' : label.auc.toFixed(3))
    }
    const large = [...page.matchAll(/<dd class="value">([^<]*)</g)].map(([, value]) => value)
    const { auc, average_precision, f1 } = metrics.macro
    expect(large).toEqual([auc, average_precision, f1].map((value) => value?.toFixed(3)))
  })

  it('says in words what matters', () => {
    const text = textOf(page)
    expect(text).toContain('1 label without both classes in the test split, left out of the means: Hernia')
    expect(text).toContain('No patient is in more than one split.')
    expect(text).toContain('2 images could not be read and were skipped.')
    expect(text).toContain(
      'plurad train densenet121-asymmetric --data &#39;data/chest radiographs&#39; --out runs/a',
    )
    expect(text).toContain('gamma_negative: 4')
    expect(text).not.toContain('Not in the run folder')
  })

  it('names no image and no patient', () => {
    expect(found(page, /secret/)).toBe('')
  })
})

describe('report of a run that is not finished', () => {
  it('shows what there is and says what is missing', async () => {
    const run = join(folder, 'half')
    await writeHalfRun(run)
    const page = await renderReport(run)
    elementsOf(page)
    const text = textOf(page)
    expect(text).toMatch(/Macro AUC so far 0\.7\d\d/)
    expect(text).toContain('1 line cannot be read and is left out.')
    expect(text).toContain('metrics.json (metrics, as the run has not been evaluated)')
    expect(text).toContain('Learning rate')
  })

  it('is made of an empty folder too', async () => {
    const run = join(folder, 'empty')
    await mkdir(run)
    expect(textOf(await renderReport(run))).toContain('Not in the run folder')
  })

  it('says which files are damaged, without quoting them', async () => {
    const run = join(folder, 'damaged')
    await mkdir(join(run, 'predictions'), { recursive: true })
    await writeFile(join(run, 'metrics.json'), '{"test": {"images": "many"}}')
    await writeFile(join(run, 'environment.json'), '{')
    await writeFile(join(run, 'split.csv'), 'image,patient,split,A\nx,1,secret,1\n')
    await writeFile(
      join(run, 'predictions', 'test.csv'),
      'image,patient,A,A:true\nsecret,1,1,1\nsecret,1,1,1\n',
    )
    const page = await renderReport(run)
    const text = textOf(page)
    expect(text).toContain('metrics.json is damaged: test.images:')
    expect(text).toContain('environment.json is damaged: it is not valid JSON.')
    expect(text).toContain('split.csv is damaged: split.csv: row 2, column &#39;split&#39; is &#39;…&#39;')
    expect(text).toContain('row 3: the image &#39;…&#39; occurs twice')
    expect(found(page, /secret/)).toBe('')
    expect(page.includes(folder)).toBe(false)
  })

  it('is refused for a folder that does not exist', async () => {
    await expect(renderReport(join(folder, 'none'))).rejects.toThrow(RunError)
  })
})

describe('warnings', () => {
  it('tells of patients in two splits', async () => {
    const run = join(folder, 'leak')
    await writeExampleRun(run, { images: 1500, sharedPatients: 200 })
    expect(textOf(await renderReport(run))).toMatch(
      /\d+ patients are in more than one split: the numbers flatter/,
    )
  })
})

describe('hostile names', () => {
  const hostile = `</text></svg><script>alert(1)</script><img src=x onerror="alert('1')"> "]+alert(1)+["\u2028\u0000`

  it('are text and nothing else', async () => {
    const run = join(folder, '<b>run & co')
    await writeExampleRun(run, {
      images: 1500,
      rename: (label) => (label === 'Hernia' ? label : hostile + label),
    })
    await writeFile(join(run, 'recipe.yaml'), '</pre></details><script>alert(2)</script>')
    const page = await renderReport(run)
    const names = elementsOf(page)
    expect(names.filter((name) => name === 'script').length).toBe(1)
    expect(names).not.toContain('img')
    expect(names).not.toContain('b>run')
    expect(page).toContain('&lt;/text&gt;&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).toContain('&lt;b&gt;run &amp; co')
    expect(page).toContain('&lt;script&gt;alert(2)')
    expect(page.includes('\u0000')).toBe(false)
  })
})
