import { manualSeed, nn, rand, traceGraph, type OperatorGraph, type Tensor } from '@plurad/torch'
import { expect, test } from 'vitest'
import { convertGraph } from './convert.js'
import { withFoldedNorms, withoutDeadCode } from './simplify.js'

const namesOf = ({ operations }: OperatorGraph): string[] => operations.map(({ name }) => name)

function trace(module: nn.AnyModule, forward: (x: Tensor) => Record<string, Tensor>): OperatorGraph {
  module.eval()
  return traceGraph({
    state: module.stateDict(),
    inputs: (batch) => ({ x: rand([batch, 3, 8, 8]) }),
    forward: ({ x }) => forward(x),
  })
}

function convAndNorm(): nn.Sequential {
  manualSeed(0)
  return new nn.Sequential([new nn.Conv2d(3, 4, 3, { bias: false }), new nn.BatchNorm2d(4)])
}

test('a norm after a convolution goes into it', () => {
  const network = convAndNorm()
  const graph = trace(network, (x) => ({ y: network.forward(x).relu_() }))
  expect(namesOf(withFoldedNorms(graph))).toEqual(['conv2d', 'relu'])
})

test('but not where the convolution is read elsewhere too, or is an output', () => {
  const network = convAndNorm()
  const [conv, norm] = [network.get(0), network.get(1)]
  const twice = trace(network, (x) => {
    const map = conv.forward(x)
    return { y: norm.forward(map).add(map) }
  })
  expect(namesOf(withFoldedNorms(twice))).toEqual(['conv2d', 'batch_norm', 'add'])
  const given = trace(network, (x) => {
    const map = conv.forward(x)
    return { y: norm.forward(map), map }
  })
  expect(namesOf(withFoldedNorms(given))).toEqual(['conv2d', 'batch_norm'])
})

test('what no output needs is left out', () => {
  const network = convAndNorm()
  const graph = trace(network, (x) => {
    x.mul(3).softmax(1)
    return { y: x.add(1) }
  })
  expect(namesOf(withoutDeadCode(graph))).toEqual(['add'])
})

test('a constant that stands in several places is stored once, under its own name where it has one', () => {
  const network = convAndNorm()
  const conv = network.get(0)
  const graph = trace(network, (x) => ({
    y: conv
      .forward(x)
      .add(conv.forward(x.mul(2)))
      .mul(2)
      .reshape(x.size(0), -1),
  }))
  const model = convertGraph(graph, { producer: '', producerVersion: '', name: '', metadata: {} })
  const names = model.initializers.map(({ name }) => name)
  expect(names).toContain('0.weight')
  expect(names).toHaveLength(3)
  expect(model.outputs[0].shape).toEqual(['batch', 144])
})
