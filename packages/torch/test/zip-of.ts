/** An uncompressed zip file in memory, as `torch.save` makes them. */
interface ZipOptions {
  /** Sizes and places in ZIP64 fields. */
  wide?: boolean
  /** What the directory says of every file. */
  method?: number
  flags?: number
}

export function zipOf(
  files: Readonly<Record<string, Uint8Array>>,
  { wide = false, method = 0, flags = 0 }: ZipOptions = {},
): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, content] of Object.entries(files)) {
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(Buffer.byteLength(name), 26)
    const extra = Buffer.alloc(wide ? 28 : 0)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(flags, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt16LE(Buffer.byteLength(name), 28)
    central.writeUInt16LE(extra.length, 30)
    if (wide) {
      extra.writeUInt16LE(1, 0)
      extra.writeUInt16LE(24, 2)
      ;[content.length, content.length, at].forEach((value, i) =>
        extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i),
      )
      for (const field of [20, 24, 42]) central.writeUInt32LE(0xffffffff, field)
    } else {
      central.writeUInt32LE(content.length, 20)
      central.writeUInt32LE(content.length, 24)
      central.writeUInt32LE(at, 42)
    }
    directory.push(central, Buffer.from(name), extra)
    for (const part of [local, Buffer.from(name), Buffer.from(content)]) {
      parts.push(part)
      at += part.length
    }
  }
  const listing = Buffer.concat(directory)
  const count = Object.keys(files).length
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  if (!wide) {
    end.writeUInt16LE(count, 8)
    end.writeUInt16LE(count, 10)
    end.writeUInt32LE(listing.length, 12)
    end.writeUInt32LE(at, 16)
    return Buffer.concat([...parts, listing, end])
  }
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  ;[count, listing.length, at].forEach((value, i) => record.writeBigUInt64LE(BigInt(value), 32 + 8 * i))
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(at + listing.length), 8)
  return Buffer.concat([...parts, listing, record, locator, end])
}
