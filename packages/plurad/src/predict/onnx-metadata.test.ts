import { describe, expect, test } from 'vitest'
import { encodeModel, type OnnxModel } from '../export/onnx/model.js'
import { readOnnxMetadata } from './onnx-metadata.js'

const model = (metadata: Record<string, string>): OnnxModel => ({
  producer: 'plurad',
  producerVersion: '1',
  name: 'test',
  inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 2] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 2] }],
  initializers: [{ name: 'c', dims: [300], dtype: 'float32', data: new Uint8Array(1200) }],
  nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'], attributes: {} }],
  metadata,
})

describe('metadata', () => {
  test('comes back as it was written, whatever its characters', () => {
    const metadata = { plurad: '{"labels":["Œdème","肺炎"]}', empty: '', long: 'x'.repeat(1000) }
    expect(Object.fromEntries(readOnnxMetadata(encodeModel(model(metadata))))).toEqual(metadata)
  })

  test('of a file that ends early or is none is an error', () => {
    const bytes = encodeModel(model({ plurad: '{}' }))
    for (const length of [1, 5, 40, bytes.length - 1])
      expect(() => readOnnxMetadata(bytes.subarray(0, length)), `${length} bytes`).toThrow(RangeError)
    expect(() => readOnnxMetadata(new TextEncoder().encode('<html>not a model</html>'))).toThrow(RangeError)
  })
})

test('a model of 2 GiB and more is refused', () => {
  const large = { name: 'w', dims: [2 ** 29], dtype: 'float32' as const, data: new Uint8Array(2 ** 31 - 64) }
  expect(() => encodeModel({ ...model({}), initializers: [large] })).toThrow(/less than 2 GiB/)
})
