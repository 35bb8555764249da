/** Makes a recorded graph smaller without changing what it computes. */
import {
  inputsOf,
  isRef,
  type GraphConstant,
  type GraphValue,
  type Operation,
  type OperatorGraph,
} from '@plurad/torch'
import { bytesOf } from './builder.js'
import { floatsOf } from './call.js'

/** Leaves out operations whose results nothing reads, such as attention weights that nobody asked for. */
export function withoutDeadCode(graph: OperatorGraph): OperatorGraph {
  const wanted = new Set(graph.outputs.values())
  const operations: Operation[] = []
  for (const operation of [...graph.operations].reverse()) {
    if (!operation.outputs.some((output) => output !== null && wanted.has(output))) continue
    operations.unshift(operation)
    for (const input of inputsOf(operation)) wanted.add(input)
  }
  return { ...graph, operations }
}

/**
 * Folds batch norms into the convolutions before them: with s = weight / sqrt(variance + eps) the norm of a convolution
 * is the convolution with weights W s and bias (b - mean) s + bias of the norm.
 */
export function withFoldedNorms(graph: OperatorGraph): OperatorGraph {
  const values = [...graph.values]
  const maker = new Map<number, number>()
  const readers = new Map<number, number>()
  const count = (value: number): void => void readers.set(value, (readers.get(value) ?? 0) + 1)
  graph.operations.forEach((operation, i) => {
    for (const output of operation.outputs) if (output !== null) maker.set(output, i)
    inputsOf(operation).forEach(count)
  })
  for (const output of graph.outputs.values()) count(output)

  const operations: (Operation | null)[] = [...graph.operations]
  operations.forEach((norm, i) => {
    if (norm?.name !== 'batch_norm' || !isRef(norm.arguments['input'])) return
    const { tensor } = norm.arguments['input']
    const at = maker.get(tensor)
    const conv = at === undefined ? null : operations[at]
    if (at === undefined || !conv || !/^conv[123]d$/.test(conv.name) || readers.get(tensor) !== 1) return
    const folded = fold(conv, norm, values)
    if (folded === null) return
    operations[at] = { ...folded, outputs: norm.outputs }
    operations[i] = null
    for (const output of norm.outputs) if (output !== null) maker.set(output, at)
  })
  return { ...graph, values, operations: operations.filter((operation) => operation !== null) }
}

/** The convolution with the norm in it; null where one of the two is not made of constants. */
function fold(conv: Operation, norm: Operation, values: GraphValue[]): Operation | null {
  const read = ({ arguments: given }: Operation, name: string): Float32Array | null => {
    const argument = given[name]
    const constant = isRef(argument) ? values[argument.tensor].constant : null
    return constant === null ? null : floatsOf(constant.bytes())
  }
  const { weight: reference, bias: convBias } = conv.arguments
  const { eps, training } = norm.arguments
  const [weight, mean, variance] = [
    read(conv, 'weight'),
    read(norm, 'running_mean'),
    read(norm, 'running_var'),
  ]
  if (!isRef(reference) || weight === null || mean === null || variance === null) return null
  const bias = read(conv, 'bias')
  if (typeof eps !== 'number' || training !== false || (isRef(convBias) && bias === null)) return null
  const [gain, shift] = [read(norm, 'weight'), read(norm, 'bias')]

  const channels = mean.length
  const each = weight.length / channels
  const foldedWeight = new Float32Array(weight.length)
  const foldedBias = new Float32Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    const scale = (gain?.[channel] ?? 1) / Math.sqrt(variance[channel] + eps)
    foldedBias[channel] = ((bias?.[channel] ?? 0) - mean[channel]) * scale + (shift?.[channel] ?? 0)
    for (let at = channel * each; at < (channel + 1) * each; at++) foldedWeight[at] = weight[at] * scale
  }
  const { shape, constant } = values[reference.tensor]
  const name = constant?.name ?? null
  const add = (data: Float32Array, dims: GraphValue['shape'], suffix: string): number => {
    const bytes = bytesOf(data)
    const made: GraphConstant = { name: name === null ? null : `${name}${suffix}`, bytes: () => bytes }
    return values.push({ shape: dims, dtype: 'float32', constant: made }) - 1
  }
  return {
    ...conv,
    arguments: {
      ...conv.arguments,
      weight: { tensor: add(foldedWeight, shape, '.folded') },
      bias: { tensor: add(foldedBias, [channels], '.folded.bias') },
    },
  }
}
