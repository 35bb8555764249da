/** A tiny ONNX model put together by hand: one table of vectors that input_ids picks from. */

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)])
const part = (field: number, content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
}
const all = (...parts: Buffer[]): Buffer => Buffer.concat(parts)

const FLOAT = 1
const INT64 = 7

function value(name: string, type: number, dims: readonly (string | number)[]): Buffer {
  const shape = all(...dims.map((dim) => part(1, typeof dim === 'number' ? number(1, dim) : part(2, dim))))
  return all(part(1, name), part(2, part(1, all(number(1, type), part(2, shape)))))
}

/** @param table [tokens][width] */
export function embeddingModel(table: readonly (readonly number[])[]): Buffer {
  const width = table[0]?.length ?? 0
  const raw = Buffer.from(Float32Array.from(table.flat()).buffer)
  const tensor = all(
    number(1, table.length),
    number(1, width),
    number(2, FLOAT),
    part(8, 'table'),
    part(9, raw),
  )
  const node = all(part(1, 'table'), part(1, 'input_ids'), part(2, 'last_hidden_state'), part(4, 'Gather'))
  const graph = all(
    part(1, node),
    part(2, 'embedding'),
    part(5, tensor),
    part(11, value('input_ids', INT64, ['batch', 'length'])),
    part(12, value('last_hidden_state', FLOAT, ['batch', 'length', width])),
  )
  return all(number(1, 8), part(7, graph), part(8, number(2, 13)))
}
