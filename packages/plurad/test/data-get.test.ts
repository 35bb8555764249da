/** `plurad data get` as a process of its own, against a server on this machine. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fail, plurad, start, succeed } from './cli.js'
import { breakAfter, FileServer, serve } from './file-server.js'

let folder: string
let server: FileServer
const bytes = Buffer.alloc(3_000_000, 5)

beforeAll(async () => {
  server = await FileServer.start()
})
afterAll(() => server.stop())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-get-cli-'))
  server.requests = []
  server.answer = serve(bytes)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const args = (...more: string[]) => ['data', 'get', 'breastmnist', '--out', join(folder, 'out'), ...more]
const env = () => ({ PLURAD_DATA_MIRROR: `${server.base}/mirror` })

describe('plurad data get', () => {
  it('lists what there is, within 100 columns', async () => {
    const { stdout } = await succeed(['data', 'get', '--list'])
    expect(stdout).toContain('chestmnist[_64|_128|_224]')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    const listed = JSON.parse((await succeed(['data', 'get', '--list', '--json'])).stdout) as {
      name: string
    }[]
    expect(listed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['chestmnist_224', 'nih-chestxray14']),
    )
  })

  it('shows the licence and fetches nothing until it is accepted', async () => {
    const stderr = await fail(args(), { code: 2, env: env() })
    expect(stderr).toMatch(/Licence {5}CC BY 4.0: [^]*Cite {8}Yang et al.[^]*Pass --yes to accept it/)
    for (const line of stderr.split('\n').slice(0, -2)) expect(line.length).toBeLessThanOrEqual(100)
    expect(server.requests).toEqual([])
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it('refuses bytes that are not the published ones', async () => {
    expect(await fail(args('--yes'), { env: env() })).toMatch(
      /breastmnist.npz has the MD5 [0-9a-f]{32}, expected was 750601b1f35ba3300ea97c75c52ff8f6/,
    )
    expect(server.requests.map(({ url }) => url)).toEqual(['/mirror/breastmnist.npz'])
    expect(readdirSync(join(folder, 'out'))).toEqual(['.plurad-get'])
    expect(readdirSync(join(folder, 'out', '.plurad-get'))).toEqual([])
  })

  it('stops on Ctrl-C and goes on from there', async () => {
    const part = join(folder, 'out', 'breastmnist.npz.part')
    server.answer = (request, response) => {
      // Nothing more comes after the first half, so that only the signal can end it.
      response.writeHead(200, { etag: '"first"', 'content-length': bytes.length })
      response.write(bytes.subarray(0, 1_500_000))
      request.on('close', () => response.destroy())
    }
    const { child, ended } = start(args('--yes'), { env: env() })
    while (statSync(part, { throwIfNoEntry: false })?.size !== 1_500_000)
      await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toMatch(/Stopped. What has arrived is kept/)

    server.requests = []
    server.answer = serve(bytes)
    await plurad(args('--yes'), { env: env() })
    expect(server.requests[0]?.range).toBe('bytes=1500000-')
  })

  it('tells of a broken connection and takes it up', { timeout: 30_000 }, async () => {
    const part = join(folder, 'out', 'breastmnist.npz.part')
    server.answer = (request, response) =>
      (server.requests.length === 1 ? breakAfter(bytes, 1_000_000, part) : serve(bytes))(request, response)
    const stderr = await fail(args('--yes'), { env: env() })
    expect(stderr).toMatch(/downloading breastmnist.npz\nbreastmnist.npz: .*; trying again in 1 s\n/)
    expect(server.requests[1]?.range).toBe('bytes=1000000-')
  })
})
