/** A network whose convolutions and matrix products compute in 8 bits. */
import { bytesOf } from '../onnx/builder.js'
import type { OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model.js'
import { Graph } from './graph.js'
import { weightOf, type Plan, type Weight } from './plan.js'
import type { Range } from './ranges.js'

/**
 * The greatest weight. Seven bits of eight: processors without VNNI add two products of 8 bits in 16, which larger
 * weights would saturate, and the numbers would differ from machine to machine.
 */
const MOST = 63

/** Biases are whole numbers of 32 bits in steps of weight times input; half of those that there are. */
const LARGEST_BIAS = 2 ** 30

/** Smaller steps would be rounded themselves, or their product with the input's. */
const LEAST_STEP = 1e-15

/**
 * Puts a QuantizeLinear and a DequantizeLinear behind every value of the plan (ONNX's QDQ form, which runtimes fuse into
 * kernels of 8 bits), and weights of 8 bits where it says so. Weights are symmetric, with one scale an output channel;
 * activations are x = scale (q - zero point) with q of 0 to 255, over the range given.
 *
 * @param ranges of each value of the plan
 */
export function quantise(model: OnnxModel, plan: Plan, ranges: ReadonlyMap<string, Range>): OnnxModel {
  const graph = new Graph(model)
  const constants: OnnxTensor[] = []
  const add = (
    name: string,
    dims: readonly number[],
    dtype: OnnxTensor['dtype'],
    values: ArrayBufferView,
  ): string => {
    constants.push({ name, dims, dtype, data: bytesOf(values) })
    return name
  }

  const scales = new Map<string, number>()
  const grids = new Map<string, string[]>()
  for (const value of plan.values.values()) {
    if (grids.has(value)) continue
    const { scale, zero } = gridOf(ranges.get(value))
    scales.set(value, scale)
    grids.set(value, [
      add(`${value}.scale`, [], 'float32', Float32Array.of(scale)),
      add(`${value}.zero`, [], 'uint8', Uint8Array.of(zero)),
    ])
  }

  /** Readers get the rounded value; where the value has a public name, that is the rounded one. */
  const rounded = (value: string): string =>
    plan.values.has(value) && !graph.isOutput(value) ? `${value}.rounded` : value
  const exact = (value: string): string =>
    plan.values.has(value) && graph.isOutput(value) ? `${value}.exact` : value
  const behind = (value: string): OnnxNode[] => {
    const grid = grids.get(plan.values.get(value) ?? '')
    if (grid === undefined) return []
    return [
      { op: 'QuantizeLinear', inputs: [exact(value), ...grid], outputs: [`${value}.q`], attributes: {} },
      { op: 'DequantizeLinear', inputs: [`${value}.q`, ...grid], outputs: [rounded(value)], attributes: {} },
    ]
  }

  const nodes: OnnxNode[] = model.inputs.flatMap(({ name }) => behind(name))
  const inputScaleOf = (node: OnnxNode): number => scales.get(plan.values.get(node.inputs[0]) ?? '') ?? 1
  const steps = new Map<string, Float32Array>()
  for (const [key, users] of usersOfWeights(graph, plan)) {
    const { name, axis, nodes: readers } = users
    const { dims } = graph.constant(name) as OnnxTensor
    const least = new Float64Array(dims[axis])
    for (const node of readers)
      graph.floats(node.inputs[2])?.forEach((bias, channel) => {
        least[channel] = Math.max(least[channel], Math.abs(bias) / (inputScaleOf(node) * LARGEST_BIAS))
      })
    const made = quantiseWeight(graph.floats(name) as Float32Array, dims, axis, least)
    steps.set(key, made.steps)
    const parts = [
      add(key, dims, 'int8', made.values),
      add(`${key}.scale`, [made.steps.length], 'float32', made.steps),
      add(`${key}.zero`, [made.steps.length], 'int8', new Int8Array(made.steps.length)),
    ]
    nodes.push({ op: 'DequantizeLinear', inputs: parts, outputs: [`${key}.float`], attributes: { axis } })
  }
  model.nodes.forEach((node, at) => {
    const inputs = node.inputs.map(rounded)
    const weight = plan.weighted.has(node) ? weightOf(graph, node) : null
    if (weight !== null) {
      inputs[1] = `${keyOf(weight)}.float`
      const biases = graph.floats(node.inputs[2])
      if (biases !== null) {
        const grid = (steps.get(keyOf(weight)) as Float32Array).map((step) => step * inputScaleOf(node))
        const parts = [
          add(
            `node${at}.bias`,
            [biases.length],
            'int32',
            Int32Array.from(biases, (value, i) => Math.round(value / grid[i])),
          ),
          add(`node${at}.bias.scale`, [biases.length], 'float32', grid),
        ]
        inputs[2] = `node${at}.bias.float`
        nodes.push({ op: 'DequantizeLinear', inputs: parts, outputs: [inputs[2]], attributes: { axis: 0 } })
      }
    }
    nodes.push({ ...node, inputs, outputs: node.outputs.map(exact) }, ...node.outputs.flatMap(behind))
  })
  const read = new Set(nodes.flatMap(({ inputs }) => inputs))
  const initializers = [...model.initializers, ...constants].filter(({ name }) => read.has(name))
  return { ...model, nodes, initializers }
}

/** 0 is on the grid: padding and what a ReLU cuts off stay exact. */
function gridOf(range: Range | undefined): { scale: number; zero: number } {
  const low = Math.min(0, range?.low ?? 0)
  const high = Math.max(0, range?.high ?? 0)
  const scale = Math.fround((high - low) / 255) || 1
  return { scale, zero: Math.round(-low / scale) }
}

const keyOf = ({ name, axis }: Weight): string => `${name}.int8.${axis}`

/** One weight may stand in several nodes. */
function usersOfWeights(graph: Graph, plan: Plan): Map<string, Weight & { nodes: OnnxNode[] }> {
  const found = new Map<string, Weight & { nodes: OnnxNode[] }>()
  for (const node of plan.weighted) {
    const weight = weightOf(graph, node)
    if (weight === null) continue
    const known = found.get(keyOf(weight))
    if (known === undefined) found.set(keyOf(weight), { ...weight, nodes: [node] })
    else known.nodes.push(node)
  }
  return found
}

/**
 * One step a channel, so that its largest weight is `MOST` steps.
 *
 * @param least the smallest step of each channel
 */
export function quantiseWeight(
  weights: Float32Array,
  dims: readonly number[],
  axis: 0 | 1,
  least: ArrayLike<number>,
): { values: Int8Array; steps: Float32Array } {
  const channels = dims[axis]
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1)
  const channelOf = (at: number): number => Math.floor(at / inner) % channels
  const steps = Float32Array.from({ length: channels }, (_, channel) => Math.max(LEAST_STEP, least[channel]))
  weights.forEach((weight, at) => {
    steps[channelOf(at)] = Math.max(steps[channelOf(at)], Math.abs(weight) / MOST)
  })
  const values = Int8Array.from(weights, (weight, at) => Math.round(weight / steps[channelOf(at)]))
  return { values, steps }
}
