/** A picture archive of its own for tests: Debian's Orthanc in a temporary folder, on free ports of this machine. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROGRAM = ['/usr/sbin/Orthanc', '/usr/bin/Orthanc'].find(existsSync)

/** Whether a program is there. */
export const has = (command: string): boolean => {
  const { error } = spawnSync(command, ['--version'])
  return error === undefined
}

/** What Orthanc itself and the programs that talk to it need. */
export const orthancIsThere = PROGRAM !== undefined && has('storescu') && has('echoscu')

export class Orthanc {
  readonly title = 'ARCHIVE'
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #http: number
  readonly dicom: number

  private constructor(child: ChildProcess, folder: string, http: number, dicom: number) {
    this.#child = child
    this.#folder = folder
    this.#http = http
    this.dicom = dicom
  }

  /** Waits until it answers. */
  static async start(): Promise<Orthanc> {
    const folder = mkdtempSync(join(tmpdir(), 'plurad-orthanc-'))
    const [http, dicom] = [await freePort(), await freePort()]
    const configuration = {
      Name: 'plurad',
      StorageDirectory: folder,
      IndexDirectory: folder,
      HttpPort: http,
      RemoteAccessAllowed: false,
      DicomPort: dicom,
      DicomAet: 'ARCHIVE',
      DicomCheckCalledAet: true,
      Plugins: [],
    }
    const file = join(folder, 'orthanc.json')
    writeFileSync(file, JSON.stringify(configuration))
    const child = spawn(PROGRAM ?? 'Orthanc', [file], { stdio: 'ignore' })
    const orthanc = new Orthanc(child, folder, http, dicom)
    try {
      await orthanc.#answer()
    } catch (error) {
      await orthanc.stop()
      throw error
    }
    return orthanc
  }

  async #answer(): Promise<void> {
    const until = Date.now() + 30_000
    while (Date.now() < until && this.#child.exitCode === null) {
      if (await fetch(this.#url('system')).catch(() => null)) return
      await new Promise((done) => setTimeout(done, 100))
    }
    throw new Error(`Orthanc does not answer (it ended with ${this.#child.exitCode ?? 'nothing'})`)
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.#http}/${path}`
  }

  /** By its REST interface. */
  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.#url(path))
    if (!response.ok) throw new Error(`Orthanc answers HTTP ${response.status} to ${path}`)
    return (await response.json()) as T
  }

  async file(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await fetch(this.#url(path))).arrayBuffer())
  }

  /** By the DICOM protocol, with dcmtk. Gives what the program says. */
  send(
    program: 'storescu' | 'echoscu',
    files: readonly string[] = [],
  ): { status: number | null; said: string } {
    // What storescu offers without being asked lacks newer kinds of images.
    const offered = program === 'storescu' ? ['--required'] : []
    const args = ['-aec', this.title, ...offered, '127.0.0.1', String(this.dicom), ...files]
    const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8' })
    return { status, said: stdout + stderr }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = new Promise((done) => this.#child.once('close', done))
      this.#child.kill()
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => {
        resolve(port)
      })
    })
  })
}
