/** Made-up data sets for tests: a folder with files by path. Opening a data set reads no image, so empty ones do. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Dataset, LabelValue } from '../src/data/dataset.js'
import type { OpenOptions } from '../src/data/sets/adapter.js'
import { openDataset } from '../src/data/sets/open.js'
import { PluradError } from '../src/errors.js'

export class DatasetFolder {
  path = ''

  /** A new folder before every test, removed after it. */
  constructor() {
    beforeEach(async () => {
      this.path = await mkdtemp(join(tmpdir(), 'plurad-set-'))
    })
    afterEach(() => rm(this.path, { recursive: true, force: true }))
  }

  async put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.path, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
    }
  }

  async remove(files: readonly string[]): Promise<void> {
    for (const name of files) await rm(join(this.path, name))
  }

  open(
    settings: Readonly<Record<string, unknown>> = {},
    options: OpenOptions = {},
    file = '.',
  ): Promise<Dataset> {
    return openDataset(join(this.path, file), { ...options, settings })
  }

  /** What opening it is refused with. */
  async refusal(
    settings?: Readonly<Record<string, unknown>>,
    options?: OpenOptions,
    file?: string,
  ): Promise<string> {
    const error: unknown = await this.open(settings, options, file).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PluradError)
    return (error as Error).message
  }
}

/** One label of all samples, in their order. */
export function columnOf(dataset: Dataset, label: string): (LabelValue | undefined)[] {
  const index = dataset.labels.indexOf(label)
  expect(index, `${label} among ${dataset.labels.join(', ')}`).toBeGreaterThanOrEqual(0)
  return dataset.samples.map((sample) => sample.labels[index])
}

/** How often a label is present, absent and unknown. */
export function countsOf(
  dataset: Dataset,
  label: string,
): [present: number, absent: number, unknown: number] {
  const values = columnOf(dataset, label)
  const count = (wanted: LabelValue): number => values.filter((value) => value === wanted).length
  return [count(1), count(0), count(null)]
}
