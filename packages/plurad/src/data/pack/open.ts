import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DataError } from '../../errors.js'
import type { Preprocessing } from '../preprocessing.js'
import { assertFits, indexFile, keyOf, pixelsFile, readHeader, valuesOf, type PackHeader } from './format.js'
import { PackIndex } from './pack-index.js'
import type { PackedImage, PackLocation } from './reader.js'

/** A pack to read from. */
export interface PackSource {
  /** The folder that `plurad data pack` made. */
  folder: string
  /** The data set's folder: files below it are known by their path from there. */
  root: string
}

/** The folder of a data set that is named by its folder or its table. */
export function rootOf(location: string): string {
  const path = resolve(location)
  return statSync(path).isDirectory() ? path : dirname(path)
}

/**
 * Refuses what cannot be read from, without reading what is in it.
 *
 * @throws DataError where there is no pack, or one with other pixels than decoding would give
 */
export function assertUsable(folder: string, preprocessing: Preprocessing): PackHeader {
  const header = readHeader(folder)
  assertFits(folder, header, preprocessing)
  for (const file of [indexFile(folder), pixelsFile(folder)]) {
    if (!existsSync(file))
      throw new DataError(`${file} is missing. Make the pack again with plurad data pack.`)
  }
  return header
}

/** A pack that fits the preprocessing asked for. */
export class Pack {
  readonly location: PackLocation
  readonly #root: string
  readonly #index: PackIndex

  /** @throws DataError where there is no pack, or one with other pixels than decoding would give */
  constructor({ folder, root }: PackSource, preprocessing: Preprocessing) {
    const header = assertUsable(folder, preprocessing)
    this.#root = root
    this.#index = new PackIndex(folder)
    this.location = {
      file: pixelsFile(folder),
      values: valuesOf(header.preprocessing),
      checked: new Uint8Array(new SharedArrayBuffer(this.#index.slots)),
    }
  }

  has(path: string): boolean {
    return this.#index.find(keyOf(this.#root, path)) >= 0
  }

  /** Where the pack has a file, if it does. Whether that still holds is for the reader to see. */
  locate(path: string): PackedImage | null {
    const entry = this.#index.find(keyOf(this.#root, path))
    if (entry < 0) return null
    const index = this.#index
    return {
      ...index.stampOf(entry),
      slot: index.slotOf(entry),
      checksum: index.checksumOf(entry),
      text: index.textOf(entry),
    }
  }

  close(): void {
    this.#index.close()
  }
}
