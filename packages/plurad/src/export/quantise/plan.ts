/** Which parts of a network compute in 8 bits. */
import type { OnnxNode } from '../onnx/model.js'
import type { Graph } from './graph.js'

export interface Plan {
  /** Nodes whose weights become 8 bits. */
  weighted: ReadonlySet<OnnxNode>
  /** Values that are 8 bits between two nodes -> the value whose scale they have: their own or that of a pool's input. */
  values: ReadonlyMap<string, string>
}

/**
 * Convolutions and products with constant matrices, but not those next to the input and the logits, on which the others
 * depend most; additions and pools where all that goes in is in 8 bits already. Norms, concatenations, softmax, gates and
 * whatever else remain in single precision: in 8 bits, concatenations and norms of DenseNet are no faster.
 */
export function planOf(graph: Graph): Plan {
  const near = new Set([...nextToInput(graph), ...nextToLogits(graph)])
  const weighted = new Set<OnnxNode>()
  const values = new Map<string, string>()
  const add = (value: string, like = value): void => {
    if (!values.has(value)) values.set(value, like)
  }
  for (const node of graph.model.nodes) {
    const [input] = node.inputs
    if (weightOf(graph, node) !== null) {
      if (near.has(node)) continue
      weighted.add(node)
      add(input)
      // The runtime has no convolution of 8-bit numbers with a result in single precision.
      if (node.op === 'Conv') add(activated(graph, node))
    } else if (node.op === 'Add') {
      if (node.inputs.every((value) => values.has(value))) add(activated(graph, node))
    } else if (node.op === 'MaxPool') {
      const like = values.get(input)
      if (like !== undefined) add(node.outputs[0], like)
    } else if (node.op === 'AveragePool' && values.has(input)) {
      add(node.outputs[0])
    }
  }
  return { weighted, values }
}

export interface Weight {
  name: string
  /** The dimension of the outputs. */
  axis: 0 | 1
}

/** The constant weight of a convolution or matrix product; null for other nodes. */
export function weightOf(graph: Graph, node: OnnxNode): Weight | null {
  const constant = graph.constant(node.inputs[1])
  if (constant?.dtype !== 'float32') return null
  const { name, dims } = constant
  switch (node.op) {
    case 'Conv':
      return { name, axis: 0 }
    case 'Gemm':
      return node.attributes['transB'] === 1 && graph.constant(node.inputs[0]) === undefined
        ? { name, axis: 0 }
        : null
    case 'MatMul':
      return dims.length === 2 && graph.constant(node.inputs[0]) === undefined ? { name, axis: 1 } : null
    default:
      return null
  }
}

/** A node's result, after the activation that the runtime fuses with it. */
function activated(graph: Graph, node: OnnxNode): string {
  const [output] = node.outputs
  const [reader, ...others] = graph.readers(output)
  if (reader === undefined || others.length > 0 || graph.isOutput(output)) return output
  const fused = reader.op === 'Relu' || (reader.op === 'Clip' && graph.floats(reader.inputs[1])?.[0] === 0)
  return fused ? reader.outputs[0] : output
}

/** Names of the weights next to the logits. */
export function lastWeightsOf(graph: Graph): Set<string> {
  return new Set([...nextToLogits(graph)].map((node) => node.inputs[1]))
}

/** Weighted nodes that see the input through no other. */
function nextToInput(graph: Graph): Set<OnnxNode> {
  const fresh = new Set(graph.model.inputs.map(({ name }) => name))
  const found = new Set<OnnxNode>()
  for (const node of graph.model.nodes) {
    // A batch's size is no pixel.
    if (node.op === 'Shape' || !node.inputs.some((input) => fresh.has(input))) continue
    if (weightOf(graph, node) !== null) found.add(node)
    else for (const output of node.outputs) fresh.add(output)
  }
  return found
}

/** Weighted nodes that reach the logits through no other. */
function nextToLogits(graph: Graph): Set<OnnxNode> {
  const wanted = new Set(['logits'])
  const found = new Set<OnnxNode>()
  for (const node of [...graph.model.nodes].reverse()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue
    if (weightOf(graph, node) !== null) found.add(node)
    else for (const input of node.inputs) wanted.add(input)
  }
  return found
}
