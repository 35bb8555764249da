import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RunError } from '../errors.js'
import { csvParse } from 'd3-dsv'
import { evaluateMultilabel, type MultilabelMetrics } from '../metrics/index.js'
import { readPredictions, writePredictions } from '../metrics/predictions.js'
import { writeExampleRun, writeHalfRun } from '../../test/example-run.js'
import { elementsOf, expectOwnScriptOnly, found } from '../../test/html.js'
import { writeExampleExtras } from '../../test/example-extras.js'
import { writePhantomRun } from '../../test/example-phantom-run.js'
import { renderReport, writeEvaluationReport, writeReport } from './report.js'

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

const OUTSIDE = /https?:|<script src|<link|<iframe|@import|url\(|src="(?!data:image\/jpeg;base64,)/i

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
    // 4 of training, 3 of frequencies, 1 of co-occurrence, 2 of the tail, 2 of decisions, and for all labels but
    // Hernia a ROC curve, a precision-recall curve and a reliability diagram.
    expect(names.filter((name) => name === 'svg').length).toBe(4 + 3 + 1 + 2 + 2 + 3 * 13)
    expect(names.filter((name) => name === 'script').length).toBe(1)
    expect(found(page.replace(/<script>[^]*<\/script>/, ''), /NaN|undefined|Infinity|\[object/)).toBe('')
  })

  it('needs nothing from outside and runs its own script only', () => {
    expect(found(page, OUTSIDE)).toBe('')
    expectOwnScriptOnly(page)
  })

  it('shows the numbers of metrics.json', () => {
    const [, labels = ''] = /<section id="labels"([^]*?)<\/section>/.exec(page) ?? []
    const body = /<tbody>([^]*?)<\/tbody>/.exec(labels)?.[1] ?? ''
    const rows = body.split('</tr>').slice(0, -1)
    const cells = rows.map((row) => [...row.matchAll(/<t[hd] [^>]*data-value="([^"]*)">\s*([^<\s]*)/g)])
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
          label.specificity,
        ].map((value) => String(value ?? '')),
      )
      expect(cells[r][2][2]).toBe(label.auc === null ? '–' : label.auc.toFixed(3))
    }
    const large = [...page.matchAll(/<dd class="value">([^<]*)</g)].map(([, value]) => value)
    const { auc, average_precision, f1 } = metrics.macro
    expect(large).toEqual([auc, average_precision, f1].map((value) => value?.toFixed(3)))
  })

  it('has an interval under every figure of a label', () => {
    const rows = page.split('<section id="labels"')[1].split('</tbody>')[0].split('<tr>').slice(2)
    expect(rows.length).toBe(14)
    for (const [r, row] of rows.entries()) {
      const intervals = [...row.matchAll(/class="interval">([01]\.\d{3})–([01]\.\d{3})</g)]
      expect(intervals.length).toBe(metrics.labels[r].auc === null ? 0 : 6)
      for (const [, low, high] of intervals) expect(Number(low)).toBeLessThanOrEqual(Number(high))
    }
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

describe('report of a run with all that a run may have', () => {
  let page: string
  const figures = (): string => join(folder, 'figures')
  beforeAll(async () => {
    const run = join(folder, 'full')
    await writeExampleRun(run)
    await writeExampleExtras(run)
    const file = await writeReport(run, { figures: figures() })
    page = await readFile(file, 'utf8')
  })

  it('has the sections and is well-formed', () => {
    elementsOf(page)
    const ids = [...page.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id)
    expect(ids).toEqual([
      ...['summary', 'data', 'labels', 'tail', 'roc', 'precision-recall', 'confusion', 'calibration'],
      ...[
        'subgroups',
        'robustness',
        'cases',
        'training',
        'norms',
        'frequencies',
        'co-occurrence',
        'reproduce',
      ],
    ])
    expect(found(page.replace(/<script>[^]*<\/script>/, ''), /NaN|undefined|Infinity|\[object/)).toBe('')
    expect(found(page, OUTSIDE)).toBe('')
  })

  it('says what calibration did, which epoch of which stage was kept, and which groups are small', () => {
    const text = textOf(page)
    expect(text).toMatch(/Calibrated by Platt scaling on the validation split; the dashed line is before/)
    expect(text).toContain('Kept are the weights of epoch 2 of stage 2-ldrnet')
    expect(text).toContain('kept: epoch 7 of 1-supervised and epoch 2 of 2-ldrnet.')
    expect(text).toContain('Thresholds were chosen by the Youden index, on the validation split')
    expect(text).toMatch(/LL\s+small/)
  })

  it('draws the stages one after the other', async () => {
    const rows = csvParse(await readFile(join(figures(), 'training.csv'), 'utf8'))
    expect(rows.map(({ stage, epoch }) => `${stage} ${epoch}`)).toEqual([
      ...Array.from({ length: 9 }, (_, i) => `1-supervised ${i + 1}`),
      ...Array.from({ length: 6 }, (_, i) => `2-ldrnet ${i + 1}`),
    ])
    expect(rows.filter(({ kept }) => kept === '1').map(({ epoch }) => epoch)).toEqual(['7', '2'])
  })

  it('writes every figure as SVG, PNG and CSV that stand alone', async () => {
    const files = await readdir(figures())
    const names = [...new Set(files.map((file) => file.replace(/\.[a-z]+$/, '')))]
    expect(names.sort()).toEqual([
      ...['classifier-norms', 'co-occurrence', 'confusion', 'head-medium-tail', 'label-frequency'],
      ...['precision-recall', 'reliability', 'robustness', 'roc', 'subgroups-auc'],
      ...['subgroups-average-precision', 'training'],
    ])
    expect(files.length).toBe(3 * names.length)
    const { default: sharp } = await import('sharp')
    for (const name of names) {
      const svg = await readFile(join(figures(), `${name}.svg`), 'utf8')
      elementsOf(svg)
      expect(found(svg, /var\(--|inherit|NaN|undefined/)).toBe('')
      const [, width, height] = /<svg xmlns[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? []
      const png = await sharp(join(figures(), `${name}.png`)).metadata()
      expect(png.width / Number(width)).toBeCloseTo(2, 1)
      expect(png.height / Number(height)).toBeCloseTo(2, 1)
      expect(csvParse(await readFile(join(figures(), `${name}.csv`), 'utf8')).length).toBeGreaterThan(0)
    }
  })
})

describe('pictures of cases', () => {
  let run: string
  let data: string
  beforeAll(async () => {
    run = join(folder, 'phantoms')
    data = join(folder, 'phantom-data')
    await writePhantomRun(run, data)
  })

  it('are in the page, whole JPEGs without names', async () => {
    const { page } = await renderReport(run)
    elementsOf(page)
    const pictures = [...page.matchAll(/<img [^>]*src="data:image\/jpeg;base64,([^"]*)"/g)]
    expect(pictures.length).toBe((page.match(/class="case"/g) ?? []).length)
    expect(pictures.length).toBeGreaterThan(15)
    const { default: sharp } = await import('sharp')
    const { width, exif } = await sharp(Buffer.from(pictures[0][1], 'base64')).metadata()
    expect([width, exif]).toEqual([64, undefined])
    expect(found(page, /class="id"|\.png/)).toBe('')
    expect(found(page, OUTSIDE)).toBe('')
  })

  it('are named where that is wanted, and left out where it is', async () => {
    const { page } = await renderReport(run, { withIds: true, withoutPictures: true })
    expect(page).toMatch(/class="id">[^<]+, patient /)
    expect(found(page, /<img/)).toBe('')
    expect(textOf(page)).toContain('No pictures: This report was made without them.')
  })

  it('are missed where the images have gone', async () => {
    await rm(data, { recursive: true })
    const { page } = await renderReport(run)
    expect(textOf(page)).toContain('No pictures: The images are no longer where the run found them.')
    expect(page).toContain('class="case"')
  })
})

describe('report of an evaluation', () => {
  it('is made of predictions and metrics alone, or of the folder that holds them', async () => {
    const run = join(folder, 'for-evaluation')
    await writeExampleRun(run, { images: 1500, labels: 3 })
    const predictions = await readPredictions(join(run, 'predictions', 'test.csv'))
    const metrics = evaluateMultilabel(predictions)
    const file = join(folder, 'evaluation.html')
    const environment = { command_line: ['plurad', 'evaluate', '--predictions', 'a b.csv'] }
    await writeEvaluationReport(file, { name: 'elsewhere.npz', predictions, metrics, environment })
    const page = await readFile(file, 'utf8')
    elementsOf(page)
    const text = textOf(page)
    expect(text).toContain(`On ${predictions.images.length} evaluated images`)
    expect(text).toContain('No thresholds are known, so decisions are not judged.')
    expect(text).toContain('plurad evaluate --predictions &#39;a b.csv&#39;')
    expect(found(page, /secret|Not in the run folder/)).toBe('')

    const results = join(folder, 'results')
    await mkdir(results)
    await writePredictions(join(results, 'predictions.csv'), predictions)
    await writeFile(join(results, 'metrics.json'), JSON.stringify(metrics))
    const again = textOf((await renderReport(results)).page)
    expect(again).toContain('Plurad evaluation report')
    expect(again).toContain(`${metrics.macro.auc?.toFixed(3)} `)
    expect(found(again, /Not in the run folder/)).toBe('')
  })
})

describe('report of a run that is not finished', () => {
  it('shows what there is and says what is missing', async () => {
    const run = join(folder, 'half')
    await writeHalfRun(run)
    const { page } = await renderReport(run)
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
    expect(textOf((await renderReport(run)).page)).toContain('Not in the run folder')
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
    const { page } = await renderReport(run)
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
    await writeExampleRun(run, { images: 1500, labels: 3, sharedPatients: 200 })
    expect(textOf((await renderReport(run)).page)).toMatch(
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
      labels: 3,
      rename: (label) => (label === 'Nodule' ? label : hostile + label),
    })
    await writeFile(join(run, 'recipe.yaml'), '</pre></details><script>alert(2)</script>')
    const { page } = await renderReport(run)
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
