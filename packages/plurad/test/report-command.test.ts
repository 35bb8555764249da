/** `plurad report` and `plurad evaluate --report` as their users run them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fail, succeed } from './cli.js'
import { writeExampleRun } from './example-run.js'

let folder: string
let run: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-report-'))
  run = join(folder, 'run')
  await writeExampleRun(run, { images: 1500, labels: 3 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('writes the report again, and every figure', async () => {
  const figures = join(folder, 'figures')
  const { stdout } = await succeed(['report', run, '--figures', figures, '--with-ids', '--no-pictures'])
  expect(stdout).toBe(`${join(run, 'report.html')}\n`)
  expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('patient-secret-')
  expect(readdirSync(figures)).toEqual(expect.arrayContaining(['roc.svg', 'roc.png', 'roc.csv']))
})

it('reports on predictions alone, and on the folder of an evaluation', async () => {
  const [page, out] = [join(folder, 'page.html'), join(folder, 'results')]
  const predictions = join(run, 'predictions', 'test.csv')
  const validation = join(run, 'predictions', 'val.csv')
  await succeed([
    ...['evaluate', '--predictions', predictions, '--validation', validation, '--calibrate', 'platt'],
    ...['--report', page, '--out', out],
  ])
  const text = readFileSync(page, 'utf8')
  expect(text).toContain('<h1>test.csv</h1>')
  expect(text).toContain('Calibrated by Platt scaling')
  expect(text).toMatch(/plurad evaluate --predictions .*--calibrate platt/)
  expect(text).not.toContain('secret')
  await succeed(['report', out])
  // Scores in the folder are as the model gave them: the report calibrates them as the metrics were.
  const again = readFileSync(join(out, 'report.html'), 'utf8')
  const panels = (of: string): string[] => [...of.matchAll(/Reliability of [^"]*/g)].map(([found]) => found)
  expect(panels(again)).toEqual(panels(text))
  const section = (of: string): string =>
    /<section id="calibration"[^]*?<\/section>/.exec(of)?.[0].replace(/clip\d+/g, '') ?? ''
  expect(section(again)).toBe(section(text))
})

it('says what is wrong with a place', async () => {
  expect(await fail(['report', join(folder, 'none')])).toContain('There is no folder')
  const blocked = join(run, 'recipe.yaml', 'figures')
  expect(await fail(['report', run, '--figures', blocked])).toContain('recipe.yaml')
  expect(existsSync(join(run, 'report.html'))).toBe(true)
})
