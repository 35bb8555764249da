import { describe, expect, test } from 'vitest'
import {
  aten,
  cat,
  fromTypedArray,
  ones,
  rand,
  tensor,
  zeros,
  type Tensor,
  isRef,
  nn,
  TraceError,
  traceGraph,
  type OperatorGraph,
} from '../index.js'

/** Traces a function of one input [batch, 4]. */
function trace(forward: (x: Tensor) => Tensor, state = new Map<string, Tensor>()): OperatorGraph {
  return traceGraph({
    state,
    inputs: (batch) => ({ x: rand([batch, 4]) }),
    forward: ({ x }) => ({ y: forward(x) }),
  })
}

const namesOf = ({ operations }: OperatorGraph): string[] => operations.map(({ name }) => name)
const shapeOf = (graph: OperatorGraph): unknown => graph.values[graph.outputs.get('y') ?? -1].shape

describe('a trace', () => {
  test('holds for every batch: sizes read in code are multiples of it', () => {
    const graph = trace((x) => x.view(x.size(0) * 2, 2).reshape(x.size(0), 4))
    expect(graph.operations.map(({ arguments: given }) => given['size'] ?? given['shape'])).toEqual([
      [{ batch: 2 }, 2],
      [{ batch: 1 }, 4],
    ])
    expect(shapeOf(graph)).toEqual([{ batch: 1 }, 4])
  })

  test('computes once what depends on no input', () => {
    const linear = new nn.Linear(4, 3)
    const graph = trace(
      (x) => x.matmul(linear.weight.transpose(0, 1).mul(2)).add(ones([3])),
      linear.stateDict(),
    )
    expect(namesOf(graph)).toEqual(['matmul', 'add'])
    const { other } = graph.operations[0].arguments
    const constant = isRef(other) ? graph.values[other.tensor].constant : null
    const expected = linear.weight.detach().transpose(0, 1).mul(2).contiguous().toBytes()
    expect(Buffer.compare(constant?.bytes() ?? new Uint8Array(), expected)).toBe(0)
  })

  test('names parameters as the state dictionary does', () => {
    const linear = new nn.Linear(4, 3)
    const graph = trace((x) => linear.forward(x), linear.stateDict())
    const names = graph.values.flatMap(({ constant }) => constant?.name ?? [])
    expect(names).toEqual(['weight', 'bias'])
  })

  test('keeps what code makes in the size of the batch', () => {
    const graph = trace((x) => cat([x, zeros([x.size(0), 2])], 1))
    expect(namesOf(graph)).toEqual(['zeros', 'cat'])
    expect(graph.operations[0].arguments['size']).toEqual([{ batch: 1 }, 2])
    expect(shapeOf(graph)).toEqual([{ batch: 1 }, 6])
  })

  test('writes in-place operators as new values', () => {
    const graph = trace((x) => {
      const sum = x.add(1)
      const doubled = sum.mul(2)
      sum.relu_()
      return sum.add(doubled)
    })
    expect(namesOf(graph)).toEqual(['add', 'mul', 'relu', 'add'])
    const [add, mul, relu, last] = graph.operations
    expect(mul.arguments['self']).toEqual({ tensor: add.outputs[0] })
    expect(relu.arguments['self']).toEqual({ tensor: add.outputs[0] })
    expect(last.arguments['self']).toEqual({ tensor: relu.outputs[0] })
  })

  test('refuses to read a view of what another view has overwritten', () => {
    const stale = (x: Tensor): Tensor => {
      const copy = x.add(0)
      copy.view(-1).relu_()
      return copy.mul(2)
    }
    expect(() => trace(stale)).toThrow(TraceError)
    expect(() => trace(stale)).toThrow(/mul.*overwritten in place/)
  })

  test('allows overwriting a view that is then the one in use', () => {
    expect(namesOf(trace((x) => x.add(0).view(-1).relu_().mul(2)))).toEqual(['add', 'view', 'relu', 'mul'])
  })

  test('refuses what is no function of the batch that a graph can hold', () => {
    expect(() => trace((x) => x.add(1 / x.size(0)))).toThrow(/'other' is 0.5 for a batch of 2/)
    expect(() => trace((x) => (x.size(0) > 2 ? x.relu() : x))).toThrow(/same for every batch size/)
    expect(() => trace((x) => x.add(fromTypedArray(new Float32Array(x.size(0)), [x.size(0), 1])))).toThrow(
      /shape depends on the batch/,
    )
  })

  test('refuses random numbers', () => {
    expect(() => trace((x) => x.add(rand([4])))).toThrow(/random/)
  })

  test('ends with the error of the network, and records nothing afterwards', () => {
    expect(() =>
      trace(() => {
        throw new RangeError('from within')
      }),
    ).toThrow('from within')
    expect(aten.relu.default(tensor([-1, 2])).toFlatArray()).toEqual([0, 2])
  })
})
