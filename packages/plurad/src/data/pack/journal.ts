/**
 * The index file of a pack: blocks, each appended in one piece after the pixels that it speaks of were written. A block
 * is its magic number, the length of what follows, the number of its entries and a CRC-32 of what follows; then the
 * entries, `ENTRY_BYTES` each, then their texts in the same order. All numbers are little-endian.
 *
 * A later entry of a file replaces an earlier one.
 */
import { hash } from 'node:crypto'
import { fstatSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** `slot` of a file that could not be decoded. */
export const NO_SLOT = 0xffffffff

/** The file that was packed as it was then, by which a change is noticed. */
export interface Stamp {
  /** Bytes; -1 where there was no file. */
  size: number
  /** Last change, milliseconds since 1970. */
  modified: number
}

export interface Entry extends Stamp {
  /** The file's name in the pack, see `keyOf`. */
  key: string
  /** Which record has its pixels; NO_SLOT where it could not be decoded. */
  slot: number
  /** CRC-32 of the record. */
  checksum: number
  /** The reason why it could not be decoded, or else a warning; '' for none. */
  text: string
}

/** An entry as it stands in the file: its texts are read when they are asked for. */
export interface StoredEntry extends Stamp {
  hash: Buffer
  slot: number
  checksum: number
  /** Where its key begins in the file, followed by its text; bytes. */
  at: number
  keyBytes: number
  textBytes: number
}

const MAGIC = 0x6b706c70
const BLOCK_HEAD = 16
const ENTRY_BYTES = 48
const HASH_BYTES = 16

/** Among ten million files, two with the same 16 bytes have a chance of 1 in 10^24. */
export function hashOfKey(key: string): Buffer {
  return hash('sha256', key, 'buffer').subarray(0, HASH_BYTES)
}

/** Where in a block of so many entries their texts begin. */
export function textsOfBlock(entries: number): number {
  return BLOCK_HEAD + entries * ENTRY_BYTES
}

export function encodeBlock(entries: readonly Entry[]): Buffer {
  const texts = entries.map(({ key, text }) => [Buffer.from(key), Buffer.from(text)] as const)
  const textBytes = texts.reduce((sum, [key, text]) => sum + key.length + text.length, 0)
  const block = Buffer.alloc(BLOCK_HEAD + entries.length * ENTRY_BYTES + textBytes)
  let at = BLOCK_HEAD
  for (const [i, { key, size, modified, slot, checksum }] of entries.entries()) {
    hashOfKey(key).copy(block, at)
    block.writeDoubleLE(size, at + 16)
    block.writeDoubleLE(modified, at + 24)
    block.writeUInt32LE(slot, at + 32)
    block.writeUInt32LE(checksum, at + 36)
    block.writeUInt32LE(texts[i][0].length, at + 40)
    block.writeUInt32LE(texts[i][1].length, at + 44)
    at += ENTRY_BYTES
  }
  for (const [key, text] of texts) at += key.copy(block, at) + text.copy(block, at + key.length)
  block.writeUInt32LE(MAGIC, 0)
  block.writeUInt32LE(block.length - BLOCK_HEAD, 4)
  block.writeUInt32LE(entries.length, 8)
  block.writeUInt32LE(crc32(block.subarray(BLOCK_HEAD)), 12)
  return block
}

/**
 * Goes over the blocks of a file up to the first that is not whole.
 *
 * @param each gets the entries in the order of writing
 * @returns where the last whole block ends; what is beyond was never finished
 */
export function readJournal(file: number, each: (entry: StoredEntry) => void): number {
  const end = fstatSync(file).size
  const head = Buffer.alloc(BLOCK_HEAD)
  for (let start = 0; ;) {
    if (readSync(file, head, 0, BLOCK_HEAD, start) < BLOCK_HEAD || head.readUInt32LE(0) !== MAGIC)
      return start
    const length = head.readUInt32LE(4)
    if (start + BLOCK_HEAD + length > end) return start
    const body = Buffer.alloc(length)
    const whole = readSync(file, body, 0, length, start + BLOCK_HEAD) === length
    const count = head.readUInt32LE(8)
    if (!whole || crc32(body) !== head.readUInt32LE(12) || count * ENTRY_BYTES > length) return start
    let at = start + BLOCK_HEAD + count * ENTRY_BYTES
    for (let from = 0; from < count * ENTRY_BYTES; from += ENTRY_BYTES) {
      const keyBytes = body.readUInt32LE(from + 40)
      const textBytes = body.readUInt32LE(from + 44)
      each({
        hash: body.subarray(from, from + HASH_BYTES),
        size: body.readDoubleLE(from + 16),
        modified: body.readDoubleLE(from + 24),
        slot: body.readUInt32LE(from + 32),
        checksum: body.readUInt32LE(from + 36),
        at,
        keyBytes,
        textBytes,
      })
      at += keyBytes + textBytes
    }
    start += BLOCK_HEAD + length
  }
}
