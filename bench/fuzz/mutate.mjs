/** Damages files, by a seed: what comes out depends on nothing else. */
import { crc32, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'

/** Numbers that sizes, counts and offsets are wrong by. */
const INTERESTING = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  15n,
  16n,
  31n,
  32n,
  64n,
  127n,
  128n,
  255n,
  256n,
  1000n,
  16000n,
  4096n,
  32767n,
  32768n,
  65535n,
  65536n,
  0x7fffffffn,
  0x80000000n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
]

/** The first bytes, by which most formats are told. */
const MARK_BYTES = 8

/** Numbers from a seed: mulberry32. */
export function randomFrom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit) => Math.floor(next() * limit)
  return { next, below, pick: (list) => list[below(list.length)] }
}

/**
 * One to three kinds of damage to a file; within its compression or with its checksums put right again for some, as
 * most damage ends at a checksum otherwise.
 *
 * @param other another file, to splice with
 * @returns {{ bytes: Buffer, how: string }}
 */
export function mutate(bytes, other, random) {
  const [unwrap, wrap, name] = random.next() < 0.5 ? wrapping(bytes, random) : PLAIN
  let inner
  try {
    inner = unwrap(bytes)
  } catch {
    inner = null
  }
  const kinds = []
  let damaged = inner ?? Buffer.from(bytes)
  const mark = Buffer.from(damaged.subarray(0, MARK_BYTES))
  for (let rounds = random.pick([1, 1, 1, 2, 3]); rounds > 0; rounds--) {
    const kind = random.pick(KINDS)
    kinds.push(kind.name)
    damaged = kind(damaged, other, random)
  }
  // Else most files would be refused for their first bytes alone.
  if (random.next() < 0.9) mark.copy(damaged)
  return { bytes: inner === null ? damaged : wrap(damaged), how: `${name}${kinds.join('+')}` }
}

const PLAIN = [(bytes) => Buffer.from(bytes), (bytes) => bytes, '']

const KINDS = [
  flipBits,
  flipBits,
  truncate,
  duplicate,
  remove,
  zero,
  editNumber,
  editNumber,
  editPair,
  splice,
  scramble,
]

function flipBits(bytes, _, random) {
  for (let count = random.pick([1, 1, 2, 4, 16]); count > 0 && bytes.length > 0; count--) {
    const at = somewhere(bytes, random)
    bytes[at] ^= 1 << random.below(8)
  }
  return bytes
}

function truncate(bytes, _, random) {
  return bytes.subarray(0, random.below(bytes.length + 1))
}

function duplicate(bytes, _, random) {
  const [start, end] = range(bytes, random)
  const at = random.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(start, end), bytes.subarray(at)])
}

function remove(bytes, _, random) {
  const [start, end] = range(bytes, random)
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
}

function zero(bytes, _, random) {
  const [start, end] = range(bytes, random)
  bytes.fill(random.pick([0, 0, 0xff, 0x20]), start, end)
  return bytes
}

function scramble(bytes, _, random) {
  const [start, end] = range(bytes, random)
  for (let at = start; at < Math.min(end, start + 64); at++) bytes[at] = random.below(256)
  return bytes
}

function editNumber(bytes, _, random) {
  const size = random.pick([1, 2, 2, 4, 4, 8])
  if (bytes.length < size) return bytes
  const at = Math.min(bytes.length - size, somewhere(bytes, random))
  const value = BigInt.asUintN(8 * size, random.pick(INTERESTING))
  const little = random.next() < 0.5
  for (let byte = 0; byte < size; byte++)
    bytes[at + (little ? byte : size - 1 - byte)] = Number((value >> BigInt(8 * byte)) & 0xffn)
  return bytes
}

/** Width and height, rows and columns: two numbers side by side. */
function editPair(bytes, _, random) {
  const size = random.pick([2, 2, 4])
  if (bytes.length < 4 * size) return bytes
  const at = Math.min(bytes.length - 4 * size, somewhere(bytes, random))
  const [little, apart] = [random.next() < 0.5, random.pick([1, 1, 2, 3])]
  for (const start of [at, at + size * apart]) {
    const value = random.pick(INTERESTING)
    for (let byte = 0; byte < size; byte++)
      bytes[start + (little ? byte : size - 1 - byte)] = Number((value >> BigInt(8 * byte)) & 0xffn)
  }
  return bytes
}

function splice(bytes, other, random) {
  if (random.next() < 0.5) {
    // The same part of another file: a header with someone else's pixels.
    const at = random.below(Math.min(bytes.length, other.length) + 1)
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)])
  }
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ])
}

/** Headers and directories are at the beginning or at the end. */
function somewhere(bytes, random) {
  const where = random.next()
  if (where < 0.45) return random.below(Math.min(bytes.length, 400))
  if (where < 0.6) return bytes.length - 1 - random.below(Math.min(bytes.length, 400))
  return random.below(bytes.length)
}

function range(bytes, random) {
  const start = bytes.length === 0 ? 0 : somewhere(bytes, random)
  const length = random.pick([1, 4, 16, 64, 512, bytes.length])
  return [start, Math.min(bytes.length, start + 1 + random.below(length))]
}

/** How to get at what a checksum or a compression protects, and back. */
function wrapping(bytes, random) {
  if (bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')))
    return [(content) => Buffer.from(content), repairPng, 'in-chunks:']
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    return [gunzipSync, (content) => gzipSync(content, { level: 1 }), 'in-gzip:']
  if (bytes.subarray(0, 4).toString('latin1') === 'PK\x03\x04') {
    const members = zipMembers(bytes)
    const chosen = members.length === 0 ? null : random.pick(members)
    if (chosen === null) return PLAIN
    return [
      () => Buffer.from(chosen.content),
      (content) => writeZip(members, chosen, content),
      `in-${chosen.name}:`,
    ]
  }
  return PLAIN
}

/** Puts the checksums of a PNG right, as far as its chunks can be followed. */
function repairPng(bytes) {
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at)
    const end = at + 8 + length
    if (end + 4 > bytes.length) break
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end)
    at = end + 4
  }
  return bytes
}

function zipMembers(bytes) {
  const members = []
  try {
    let at = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
    const count = bytes.readUInt16LE(at + 10)
    at = bytes.readUInt32LE(at + 16)
    for (let index = 0; index < count; index++) {
      const [nameLength, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field))
      const method = bytes.readUInt16LE(at + 10)
      const header = bytes.readUInt32LE(at + 42)
      const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28)
      const stored = bytes.subarray(start, start + bytes.readUInt32LE(at + 20))
      const name = bytes.toString('utf8', at + 46, at + 46 + nameLength)
      members.push({ name, method, content: method === 0 ? stored : inflateRawSync(stored) })
      at += 46 + nameLength + extra + comment
    }
  } catch {
    return []
  }
  return members
}

/** A ZIP file of the members with one of them changed, with right checksums and lengths. */
function writeZip(members, changed, content) {
  const parts = []
  const directory = []
  let offset = 0
  for (const member of members) {
    const inner = member === changed ? content : member.content
    const stored = member.method === 0 ? inner : deflateRawSync(inner, { level: 1 })
    const name = Buffer.from(member.name)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(member.method, 4)
    fields.writeUInt32LE(crc32(inner), 10)
    fields.writeUInt32LE(stored.length, 14)
    fields.writeUInt32LE(inner.length, 18)
    fields.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, name, stored])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    const version = Buffer.from([20, 0])
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), version, fields, tail, name]))
    parts.push(local)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, entries, end])
}
