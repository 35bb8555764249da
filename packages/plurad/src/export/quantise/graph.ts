/** An ONNX graph with its edges at hand. */
import { floatsOf } from '../onnx/call.js'
import type { OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model.js'

export class Graph {
  readonly model: OnnxModel
  readonly #makers = new Map<string, OnnxNode>()
  readonly #readers = new Map<string, OnnxNode[]>()
  readonly #constants: ReadonlyMap<string, OnnxTensor>
  readonly #outputs: ReadonlySet<string>

  constructor(model: OnnxModel) {
    this.model = model
    this.#constants = new Map(model.initializers.map((tensor) => [tensor.name, tensor]))
    this.#outputs = new Set(model.outputs.map(({ name }) => name))
    for (const node of model.nodes) {
      for (const output of node.outputs) this.#makers.set(output, node)
      for (const input of new Set(node.inputs)) {
        const readers = this.#readers.get(input)
        if (readers === undefined) this.#readers.set(input, [node])
        else readers.push(node)
      }
    }
  }

  maker(value: string): OnnxNode | undefined {
    return this.#makers.get(value)
  }

  readers(value: string): readonly OnnxNode[] {
    return this.#readers.get(value) ?? []
  }

  isOutput(value: string): boolean {
    return this.#outputs.has(value)
  }

  constant(value: string | undefined): OnnxTensor | undefined {
    return value === undefined ? undefined : this.#constants.get(value)
  }

  /** The values of a constant in single precision; null for what is none. */
  floats(value: string | undefined): Float32Array | null {
    const constant = this.constant(value)
    return constant?.dtype === 'float32' ? floatsOf(constant.data) : null
  }
}
