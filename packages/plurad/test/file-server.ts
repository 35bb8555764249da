/** A server of files on this machine that behaves, or misbehaves, as a test wants it to. */
import { statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export const ETAG = '"first"'

export interface Asked {
  url: string
  range: string | undefined
  ifRange: string | undefined
}

export class FileServer {
  /** What every request is answered with. */
  answer: Answer = (_request, response) => response.writeHead(404).end()
  requests: Asked[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const { range, 'if-range': ifRange } = request.headers
      const asked = {
        url: request.url ?? '',
        range,
        ifRange: typeof ifRange === 'string' ? ifRange : undefined,
      }
      this.requests.push(asked)
      this.answer(request, response)
    })
  }

  static async start(): Promise<FileServer> {
    const server = new FileServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** Such as `http://127.0.0.1:40123`. */
  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Serves a file with ranges, as pytorch.org does; with `etag` null nothing guards them. */
export function serve(data: Buffer, etag: string | null = ETAG): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1])
    const partial = start > 0 && (etag === null || request.headers['if-range'] === etag)
    if (partial && start >= data.length) {
      response.writeHead(416, { 'content-range': `bytes */${data.length}` }).end()
      return
    }
    const body = partial ? data.subarray(start) : data
    const range = `bytes ${start}-${data.length - 1}/${data.length}`
    response.writeHead(partial ? 206 : 200, {
      ...(etag !== null && { etag }),
      'content-length': body.length,
      ...(partial && { 'content-range': range }),
    })
    response.end(body)
  }
}

/**
 * Announces the whole file, and breaks the connection once `count` bytes of it have been added to the partial file
 * `part`, which they begin or continue.
 */
export function breakAfter(data: Buffer, count: number, part: string, etag: string | null = ETAG): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(start > 0 ? 206 : 200, {
      ...(etag !== null && { etag }),
      'content-length': data.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` }),
    })
    response.write(data.subarray(start, start + count))
    const arrived = () => statSync(part, { throwIfNoEntry: false })?.size === start + count
    const timer = setInterval(() => {
      if (!arrived()) return
      clearInterval(timer)
      response.destroy()
    }, 5)
    response.on('close', () => clearInterval(timer))
  }
}
