/** What prediction needs of ONNX Runtime, in Node (`node.ts`) or in a browser. */

export interface NamedTensor {
  data: Float32Array
  dims: readonly number[]
}

/** One loaded graph. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Shapes of inputs and outputs by name, as far as the graph declares them: text for what it leaves open. */
  readonly shapes: ReadonlyMap<string, readonly (number | string)[]>
  /** Runs the graph and gives the outputs that were asked for. */
  run(
    inputs: Readonly<Record<string, NamedTensor>>,
    outputs: readonly string[],
  ): Promise<Record<string, NamedTensor>>
  close(): Promise<void>
}

export interface SessionOptions {
  /** Threads of one prediction; null for the runtime's choice. */
  threads: number | null
  /**
   * Whether idle threads wait in a loop, which answers soonest; false leaves the processor to threads that decode beside
   * them (a sixth less processor time for DenseNet-121). Default true.
   */
  spin?: boolean
}

/** What ONNX Runtime knows of a value. */
type ValueMetadata =
  { name: string; isTensor: false } | { name: string; isTensor: true; shape: readonly (number | string)[] }

export function declaredShapes(...values: readonly ValueMetadata[]): Session['shapes'] {
  return new Map(values.flatMap((value) => (value.isTensor ? [[value.name, value.shape] as const] : [])))
}

/** Loads the content of a .onnx file. */
export type OpenSession = (model: Uint8Array, options: SessionOptions) => Promise<Session>
