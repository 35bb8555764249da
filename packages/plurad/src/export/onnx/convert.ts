/** A recorded forward pass -> an ONNX model. */
import { isBatchMultiple, type OperatorGraph, type Size } from '@plurad/torch'
import { ExportError } from '../../errors.js'
import { GraphBuilder } from './builder.js'
import { Call } from './call.js'
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import { converters } from './operators/registry.js'
import { withFoldedNorms, withoutDeadCode } from './simplify.js'

type Header = Pick<OnnxModel, 'producer' | 'producerVersion' | 'name' | 'metadata'>

/** @throws ExportError naming the operators that have no counterpart */
export function convertGraph(recorded: OperatorGraph, header: Header): OnnxModel {
  const graph = withFoldedNorms(withoutDeadCode(recorded))
  const unknown = graph.operations
    .map(({ name, overload }) => (overload === '' ? name : `${name}.${overload}`))
    .filter((key) => !Object.hasOwn(converters, key))
  if (unknown.length > 0) {
    throw new ExportError(
      `The network uses operators that have no ONNX counterpart here: ${[...new Set(unknown)].join(', ')}.`,
    )
  }
  const [first] = graph.inputs.keys()
  const builder = new GraphBuilder(first)
  const names = new Map(Array.from(graph.inputs, ([name, value]) => [value, name]))
  for (const operation of graph.operations) {
    const call = new Call(builder, operation, graph, names)
    converters[call.operator](call)
  }
  const valueOf = (name: string, at: number): OnnxValue => ({
    name,
    dtype: graph.values[at].dtype,
    shape: graph.values[at].shape.map(sizeOf),
  })
  const outputs = [...graph.outputs]
  const nodes = nameOutputs(
    builder,
    outputs.map(([name, at]) => [name, names.get(at) ?? constantOutput(name)]),
    new Set(graph.inputs.keys()),
  )
  return {
    ...header,
    inputs: Array.from(graph.inputs, ([name, at]) => valueOf(name, at)),
    outputs: outputs.map(([name, at]) => valueOf(name, at)),
    nodes,
    initializers: used(builder.initializers, nodes),
  }
}

function constantOutput(name: string): never {
  throw new ExportError(`The output ${name} does not depend on the input.`)
}

function sizeOf(size: Size): number | string {
  if (!isBatchMultiple(size)) return size
  return size.batch === 1 ? 'batch' : `${size.batch}*batch`
}

/** Gives outputs their public names; one value under two names is copied. */
function nameOutputs(
  { nodes }: GraphBuilder,
  outputs: readonly (readonly [string, string])[],
  inputs: ReadonlySet<string>,
): OnnxNode[] {
  const renamed = new Map<string, string>()
  const copies: OnnxNode[] = []
  for (const [name, value] of outputs) {
    const known = renamed.get(value)
    if (known !== undefined || inputs.has(value))
      copies.push({ op: 'Identity', inputs: [known ?? value], outputs: [name], attributes: {} })
    else renamed.set(value, name)
  }
  const rename = (value: string): string => renamed.get(value) ?? value
  const named = nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }))
  return [...named, ...copies]
}

function used(initializers: readonly OnnxTensor[], nodes: readonly OnnxNode[]): OnnxTensor[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs))
  return initializers.filter(({ name }) => read.has(name))
}
