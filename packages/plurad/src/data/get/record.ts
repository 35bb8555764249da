/** What `plurad data get` has put into a folder: kept beside the files, so that a second call can compare. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { makeFolder, writeFileAtomic } from '../../files.js'
import type { UnpackedFile } from './tar.js'

const entry = z.object({
  url: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  /** ISO 8601. */
  date: z.string(),
  /** Whether its files were put beside it, and it was removed. */
  unpacked: z.boolean(),
})

const schema = z.object({ files: z.record(z.string(), entry) })

export type RecordEntry = z.infer<typeof entry>

/** `.plurad-get` in the data set's folder. */
export class GetRecord {
  readonly folder: string
  readonly #root: string
  #files: Record<string, RecordEntry> = {}

  private constructor(root: string) {
    this.#root = root
    this.folder = join(root, '.plurad-get')
  }

  /** @throws DataError for a damaged record, RunError where its folder cannot be made */
  static async open(root: string): Promise<GetRecord> {
    const record = new GetRecord(root)
    makeFolder(record.folder)
    const text = await readFile(record.file, 'utf8').catch(() => null)
    if (text === null) return record
    try {
      record.#files = schema.parse(JSON.parse(text)).files
    } catch (error) {
      throw new DataError(
        `${record.file} is damaged. Delete it: what lies in ${root} is then looked at anew.`,
        { cause: error },
      )
    }
    return record
  }

  get file(): string {
    return join(this.folder, 'record.json')
  }

  get(name: string): RecordEntry | undefined {
    return this.#files[name]
  }

  async put(name: string, entry: RecordEntry): Promise<void> {
    this.#files = { ...this.#files, [name]: entry }
    await writeFileAtomic(this.file, `${JSON.stringify({ files: this.#files }, null, 2)}\n`)
  }

  /** Keeps what an archive held. */
  async putContents(name: string, files: readonly UnpackedFile[]): Promise<void> {
    const lines = files.map(({ path, bytes }) => `${bytes}\t${path}\n`)
    await writeFileAtomic(this.#contents(name), lines.join(''))
  }

  /** How many files an archive held; null where nobody knows, or where one of them is gone or has another size. */
  async intactContents(name: string): Promise<number | null> {
    const text = await readFile(this.#contents(name), 'utf8').catch(() => null)
    if (text === null) return null
    const lines = text.split('\n').filter((line) => line !== '')
    for (const line of lines) {
      const tab = line.indexOf('\t')
      const found = await stat(join(this.#root, line.slice(tab + 1))).catch(() => null)
      if (found?.size !== Number(line.slice(0, tab))) return null
    }
    return lines.length
  }

  #contents(name: string): string {
    return join(this.folder, `${name}.files`)
  }
}
