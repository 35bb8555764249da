/** The report as people see it: in a browser, wide and narrow, light and dark, and on paper. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeReport } from '../src/report/index.js'
import { launch, noBrowser } from './browser.js'
import { writeExampleExtras } from './example-extras.js'
import { writeExampleRun } from './example-run.js'
import { writePhantomRun } from './example-phantom-run.js'

describe.skipIf(noBrowser !== null)('the report in a browser', () => {
  let folder: string
  let browser: Browser
  const files: string[] = []
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plurad-page-'))
    const [full, pictures] = [join(folder, 'full'), join(folder, 'pictures')]
    await writeExampleRun(full, { images: 2000, labels: 6 })
    await writeExampleExtras(full)
    await writePhantomRun(pictures, join(folder, 'data'))
    for (const run of [full, pictures]) files.push(await writeReport(run))
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Opens a report and hands over what went wrong in it and what it asked for. */
  async function open(
    file: string,
    width: number,
    colorScheme: 'light' | 'dark',
  ): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
    const faults: string[] = []
    const address = pathToFileURL(file).href
    page.on('console', (message) => faults.push(message.text()))
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('request', (request) => {
      if (request.url() !== address && !request.url().startsWith('data:')) faults.push(request.url())
    })
    await page.goto(address)
    return { page, faults }
  }

  const background = (page: Page): Promise<string> =>
    page.evaluate('getComputedStyle(document.body).backgroundColor')

  it.each([
    [390, 'light'],
    [390, 'dark'],
    [1440, 'light'],
    [1440, 'dark'],
  ] as const)('fits %i pixels in %s, asks for nothing and complains of nothing', async (width, scheme) => {
    for (const file of files) {
      const { page, faults } = await open(file, width, scheme)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
      expect(await background(page)).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 24, 27)')
      const broken = `[...document.images].filter((image) => image.naturalWidth === 0).length`
      expect(await page.evaluate(broken)).toBe(0)
      // Figures that are not folded away have a size.
      const empty = `[...document.querySelectorAll('svg')].filter((svg) => !svg.closest('details') && svg.getBoundingClientRect().height < 40).length`
      expect(await page.evaluate(empty)).toBe(0)
      expect(faults).toEqual([])
      await page.close()
    }
  })

  it('shows a picture in every case', async () => {
    const { page } = await open(files[1], 1440, 'light')
    expect(await page.locator('.case img').count()).toBe(await page.locator('.case').count())
    expect(await page.locator('.case').count()).toBeGreaterThan(15)
    await page.close()
  })

  it('sorts the table of labels by a figure, labels without one last, and says so', async () => {
    const { page } = await open(files[0], 1440, 'light')
    const values = (): Promise<number[]> =>
      page.evaluate(
        `[...document.querySelectorAll('#labels tbody tr')].map((row) => Number(row.cells[2].dataset.value))`,
      )
    const head = page.locator('#labels thead th').nth(2)
    await head.locator('button').click()
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    expect(await values()).toEqual([...(await values())].sort((a, b) => b - a))
    await head.locator('button').click()
    expect(await values()).toEqual([...(await values())].sort((a, b) => a - b))
    await page.locator('#labels thead th').first().locator('button').click()
    const [first] = await page.locator('#labels tbody th').allTextContents()
    expect(first.trim()).toBe('Pneumothorax')
    await page.close()
  })

  it('turns dark and light by its button, and is light on paper', async () => {
    const { page } = await open(files[0], 1440, 'light')
    await page.locator('[data-theme-switch]').click()
    expect(await background(page)).toBe('rgb(20, 24, 27)')
    await page.emulateMedia({ media: 'print' })
    expect(await background(page)).toBe('rgb(255, 255, 255)')
    const paper = (await page.pdf({ format: 'A4' })).toString('latin1')
    // Eleven pages or so: neither empty nor a page a figure.
    const pages = paper.match(/\/Type \/Page\b/g)?.length ?? 0
    expect(pages).toBeGreaterThan(5)
    expect(pages).toBeLessThan(25)
    await page.close()
  })
})
