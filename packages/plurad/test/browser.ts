/** `plurad/predict` in Debian's Chromium: bundled as an application would, served as a web server would. */
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { rolldown } from 'rolldown'

const CHROMIUM = process.env.PLURAD_CHROMIUM ?? '/usr/bin/chromium'

/** Why no browser can be tested here; null where it can. */
export const noBrowser = existsSync(CHROMIUM) ? null : `there is no ${CHROMIUM}`

export interface BrowserBundle {
  code: string
  /** Every module in it, by its path. */
  modules: readonly string[]
  /** What it does not contain and would import. */
  imports: readonly string[]
}

/** What a bundler for browsers makes of `import … from 'plurad/predict'`. */
export async function bundleForBrowser(): Promise<BrowserBundle> {
  const bundle = await rolldown({
    input: 'entry',
    platform: 'browser',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? '\0entry' : null),
        load: (id) => (id === '\0entry' ? "export * from 'plurad/predict'" : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const [chunk] = output
  return {
    code: chunk.code,
    modules: Object.keys(chunk.modules),
    imports: [...chunk.imports, ...chunk.dynamicImports],
  }
}

const installed = (name: string): string => createRequire(import.meta.url).resolve(name)

/** The WebAssembly files of the packages, by the names that pages ask for. */
const wasmFiles: Readonly<Record<string, string>> = {
  'ort-wasm-simd-threaded.mjs': installed('onnxruntime-web/ort-wasm-simd-threaded.mjs'),
  'ort-wasm-simd-threaded.wasm': installed('onnxruntime-web/ort-wasm-simd-threaded.wasm'),
  'dcmjs-native-codecs.wasm': installed('dcmjs-codecs/build/dcmjs-native-codecs.wasm'),
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
}

/** What a page needs to have threads. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

/** The strictest policy that predictions work under. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'"

/**
 * Serves files below `/plain/`, the same with the headers that threads need below `/isolated/`, and without any policy,
 * for scripts within pages, below `/free/`.
 *
 * @param files content by name
 */
export class PageServer {
  readonly #server: Server

  private constructor(files: ReadonlyMap<string, string | Uint8Array>) {
    this.#server = createServer((request, response) => {
      const [, area, ...rest] = decodeURIComponent(request.url ?? '').split('/')
      const name = rest.join('/')
      const file = wasmFiles[name] as string | undefined
      const content = file === undefined ? files.get(name) : readFileSync(file)
      if (content === undefined) {
        response.writeHead(404, 'Not Found').end('nothing here')
        return
      }
      response.writeHead(200, {
        'content-type': TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        ...(area === 'free' ? {} : { 'content-security-policy': POLICY }),
        ...(area === 'isolated' ? ISOLATION : {}),
      })
      response.end(content)
    })
  }

  static async start(files: ReadonlyMap<string, string | Uint8Array>): Promise<PageServer> {
    const server = new PageServer(files)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** Such as `http://127.0.0.1:40123/isolated/page.html`. */
  url(area: 'plain' | 'isolated' | 'free', name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${area}/${name}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
}

export interface Opened {
  page: Page
  context: BrowserContext
  /** Of the page's scripts and what the browser says to them. */
  errors: string[]
}

/** A page of its own context. */
export async function openPage(browser: Browser, url: string): Promise<Opened> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(url)
  return { page, context, errors }
}
