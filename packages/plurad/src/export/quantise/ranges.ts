/** What values the activations of a network take on real images. */
import type { OnnxModel, OnnxNode } from '../onnx/model.js'
import { encodeModel } from '../onnx/model.js'
import { bytesOf } from '../onnx/builder.js'
import { openSession } from '../../predict/node.js'
import type { NamedTensor } from '../../predict/runtime.js'

export interface Range {
  low: number
  high: number
}

/** Least and greatest value of each activation in each image. */
export interface Observation {
  lows: Float32Array[]
  highs: Float32Array[]
  values: readonly string[]
}

/** `extremes`: all that was seen; `mean`: the mean over images of their extremes, which cuts off rare values. */
export const RANGE_METHODS = ['extremes', 'mean'] as const
export type RangeMethod = (typeof RANGE_METHODS)[number]

/**
 * Runs images through the network, one at a time. The extremes are taken in the graph itself: what it hands out is two
 * numbers an activation.
 *
 * @param inputs of one image each
 */
export async function observe(
  model: OnnxModel,
  values: readonly string[],
  inputs: Iterable<Record<string, NamedTensor>> | AsyncIterable<Record<string, NamedTensor>>,
  threads: number | null,
): Promise<Observation> {
  const session = await openSession(encodeModel(withExtremes(model, values)), { threads })
  const observation: Observation = { lows: [], highs: [], values }
  try {
    for await (const feeds of inputs) {
      const { lows, highs } = await session.run(feeds, ['lows', 'highs'])
      observation.lows.push(lows.data)
      observation.highs.push(highs.data)
    }
  } finally {
    await session.close()
  }
  return observation
}

/** By the activation's name. */
export function rangesOf({ values, lows, highs }: Observation, method: RangeMethod): Map<string, Range> {
  const over = (
    rows: readonly Float32Array[],
    at: number,
    pick: (...numbers: number[]) => number,
  ): number => {
    const column = rows.map((row) => row[at])
    return method === 'extremes' ? pick(...column) : column.reduce((sum, x) => sum + x, 0) / column.length
  }
  return new Map(
    values.map((value, at) => [value, { low: over(lows, at, Math.min), high: over(highs, at, Math.max) }]),
  )
}

function withExtremes(model: OnnxModel, values: readonly string[]): OnnxModel {
  const shape = {
    name: 'extremes.one',
    dims: [1],
    dtype: 'int64' as const,
    data: bytesOf(BigInt64Array.of(1n)),
  }
  const collect = (op: string, name: string): OnnxNode[] => {
    const each = values.flatMap((value, i): OnnxNode[] => [
      { op, inputs: [value], outputs: [`${name}.${i}.scalar`], attributes: { keepdims: 0 } },
      {
        op: 'Reshape',
        inputs: [`${name}.${i}.scalar`, shape.name],
        outputs: [`${name}.${i}`],
        attributes: {},
      },
    ])
    const parts = values.map((_, i) => `${name}.${i}`)
    return [...each, { op: 'Concat', inputs: parts, outputs: [name], attributes: { axis: 0 } }]
  }
  const output = (name: string) => ({ name, dtype: 'float32' as const, shape: [values.length] })
  return {
    ...model,
    metadata: {},
    outputs: [output('lows'), output('highs')],
    initializers: [...model.initializers, shape],
    nodes: [...model.nodes, ...collect('ReduceMin', 'lows'), ...collect('ReduceMax', 'highs')],
  }
}
