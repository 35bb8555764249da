/** Checking packs. */
import { pixelsFile, readHeader, valuesOf } from './format.js'
import { NO_SLOT } from './journal.js'
import { PackIndex } from './pack-index.js'
import { checksumOf, PackReader } from './reader.js'

export interface PackCheck {
  /** Records with pixels. */
  images: number
  /** Files that could not be decoded when the pack was made. */
  failures: number
  /** Files whose record is not what was written. */
  damaged: string[]
}

/**
 * Compares every record of a pack with its checksum.
 *
 * @throws DataError where there is no pack
 */
export async function verifyPack(
  folder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<PackCheck> {
  readHeader(folder)
  const index = new PackIndex(folder)
  try {
    const damaged = await damagedEntries(folder, index, onProgress)
    let failures = 0
    for (let entry = 0; entry < index.count; entry++) if (index.slotOf(entry) === NO_SLOT) failures++
    return { images: index.count - failures, failures, damaged: damaged.map((entry) => index.keyOf(entry)) }
  } finally {
    index.close()
  }
}

/** The entries of an open pack whose record is not what was written. */
export async function damagedEntries(
  folder: string,
  index: PackIndex,
  onProgress?: (done: number, total: number) => void,
): Promise<number[]> {
  const { preprocessing } = readHeader(folder)
  const values = valuesOf(preprocessing)
  const checked = new Uint8Array(new SharedArrayBuffer(0))
  const reader = new PackReader({ file: pixelsFile(folder), values, checked })
  const damaged: number[] = []
  try {
    for (let entry = 0; entry < index.count; entry++) {
      if (entry % 64 === 0) {
        onProgress?.(entry, index.count)
        // Lets signals and progress through.
        await new Promise(setImmediate)
      }
      const slot = index.slotOf(entry)
      if (slot === NO_SLOT) continue
      const pixels = reader.record(slot)
      if (pixels === null || checksumOf(pixels) !== index.checksumOf(entry)) damaged.push(entry)
    }
  } finally {
    reader.close()
  }
  return damaged
}
