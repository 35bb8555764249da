/** What prediction needs of ONNX Runtime, in Node (`node.ts`) or in a browser. */

export interface NamedTensor {
  data: Float32Array
  dims: readonly number[]
}

/** One loaded graph. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
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

/** Loads the content of a .onnx file. */
export type OpenSession = (model: Uint8Array, options: SessionOptions) => Promise<Session>
