/** Long short-term memory: the same numbers in another order. */
import { floatConstant, type Call, type Converter } from '../call.js'

/** libtorch: input, forget, cell, output; ONNX: input, output, forget, cell. */
const GATES = [0, 3, 1, 2]

/** Rows [4 hidden, width] in ONNX's order of the gates. */
function reordered(values: Float32Array, hidden: number): Float32Array {
  const block = values.length / 4
  if (!Number.isInteger(block / hidden)) throw new RangeError('an LSTM weight of an unexpected shape')
  const result = new Float32Array(values.length)
  GATES.forEach((gate, place) => {
    result.set(values.subarray(gate * block, (gate + 1) * block), place * block)
  })
  return result
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}

const lstm: Converter = (call) => {
  if (call.boolean('train', false)) call.refuse('the network is in training mode')
  if (!call.boolean('has_biases', true)) call.refuse('it has no biases')
  const layers = call.number('num_layers')
  const directions = call.boolean('bidirectional', false) ? 2 : 1
  const batchFirst = call.boolean('batch_first', false)
  const weights = call
    .floatsOfEach('params')
    .map((values) => values ?? call.refuse('its weights are no constants'))
  const shapes = call.shapesOf('params') as number[][]
  const hidden = shapes[1][1]
  const { builder } = call
  const states = call.tensors('hx').map((state) => byLayer(call, state, layers, directions))
  const turned = (x: string): string => builder.node('Transpose', [x], { perm: [1, 0, 2] })

  let x = batchFirst ? turned(call.tensor('input')) : call.tensor('input')
  const last: string[][] = [[], []]
  for (let layer = 0; layer < layers; layer++) {
    const of = (kind: number): Float32Array[] =>
      Array.from({ length: directions }, (_, end) =>
        reordered(weights[(layer * directions + end) * 4 + kind], hidden),
      )
    const [inputs, recurrent, inputBias, recurrentBias] = [of(0), of(1), of(2), of(3)]
    const width = shapes[layer * directions * 4][1]
    const biases = joined(inputBias.flatMap((bias, end) => [bias, recurrentBias[end]]))
    const [output, h, c] = builder.several(
      'LSTM',
      [
        x,
        floatConstant(builder, joined(inputs), [directions, 4 * hidden, width]),
        floatConstant(builder, joined(recurrent), [directions, 4 * hidden, hidden]),
        floatConstant(builder, biases, [directions, 8 * hidden]),
        '',
        states[0][layer],
        states[1][layer],
      ],
      3,
      { hidden_size: hidden, direction: directions === 2 ? 'bidirectional' : 'forward' },
    )
    // [length, directions, N, hidden] -> [length, N, directions * hidden]
    const side = builder.node('Transpose', [output], { perm: [0, 2, 1, 3] })
    x = builder.node('Reshape', [side, builder.int64([0, 0, directions * hidden])])
    last[0].push(h)
    last[1].push(c)
  }
  call.give(batchFirst ? turned(x) : x)
  last.forEach((parts, i) => {
    call.give(parts.length === 1 ? parts[0] : builder.node('Concat', parts, { axis: 0 }), i + 1)
  })
}

/** [layers * directions, N, hidden] as one tensor a layer. */
function byLayer({ builder }: Call, state: string, layers: number, directions: number): string[] {
  if (layers === 1) return [state]
  const sizes = builder.int64(new Array<number>(layers).fill(directions))
  return builder.several('Split', [state, sizes], layers, { axis: 0 })
}

export const recurrent: Readonly<Record<string, Converter>> = { 'lstm.input': lstm }
