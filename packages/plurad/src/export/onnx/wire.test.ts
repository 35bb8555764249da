import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireWriter } from './wire.js'

const hex = (writer: WireWriter): string => Buffer.from(writer.finish()).toString('hex')

// The examples of https://protobuf.dev/programming-guides/encoding
describe("Protocol Buffers' published examples", () => {
  test('a number', () => {
    expect(hex(new WireWriter().int(1, 150))).toBe('089601')
  })
  test('a text', () => {
    expect(hex(new WireWriter().string(2, 'testing'))).toBe('120774657374696e67')
  })
  test('a message within a message', () => {
    expect(hex(new WireWriter().message(3, new WireWriter().int(1, 150)))).toBe('1a03089601')
  })
  test('-2 as int64', () => {
    expect(hex(new WireWriter().int(1, -2))).toBe('08feffffffffffffffff01')
  })
  test('a field past 15 has a tag of two bytes', () => {
    expect(hex(new WireWriter().int(20, 7))).toBe('a00107')
  })
  test('a number in single precision', () => {
    expect(hex(new WireWriter().float(2, 1))).toBe('150000803f')
  })
})

test('every 64-bit number is read back by the definition of a varint', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = new WireWriter().int(1, value).finish().subarray(1)
      const read = bytes.reduce((sum, byte, i) => sum + (BigInt(byte & 127) << BigInt(7 * i)), 0n)
      expect(BigInt.asIntN(64, read)).toBe(value)
      expect(bytes.every((byte, i) => byte >= 128 === i < bytes.length - 1)).toBe(true)
    }),
  )
})

test('a message of very many fields is put together', () => {
  const inner = new WireWriter()
  for (let i = 0; i < 200_000; i++) inner.int(1, 1)
  expect(new WireWriter().message(1, inner).finish()).toHaveLength(400_000 + 4)
})
