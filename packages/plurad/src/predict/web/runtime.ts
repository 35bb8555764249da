/** ONNX Runtime compiled to WebAssembly. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import { DataError } from '../../errors.js'
import { declaredShapes, type NamedTensor, type Session, type SessionOptions } from '../runtime.js'

/** More threads than this gain nothing. */
const MOST_THREADS = 4

/** Says where its files are; without effect once a model has been loaded. */
export function setRuntime(paths: { mjs: string; wasm: string }): void {
  env.wasm.wasmPaths = paths
}

/** Loads a graph. The number of threads is that of the first one. */
export async function openSession(model: Uint8Array, { threads }: SessionOptions): Promise<Session> {
  const { crossOriginIsolated = false, navigator } = globalThis as unknown as {
    crossOriginIsolated?: boolean
    navigator: { hardwareConcurrency: number }
  }
  // Memory that threads share is there for isolated pages only.
  env.wasm.numThreads = crossOriginIsolated
    ? (threads ?? Math.min(MOST_THREADS, navigator.hardwareConcurrency))
    : 1
  const session = await InferenceSession.create(model, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
  }).catch(explain)
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    shapes: declaredShapes(...session.inputMetadata, ...session.outputMetadata),
    run: async (inputs, outputs) => {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor('float32', data, dims)]),
      )
      const results = await session.run(feeds, [...outputs])
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]): [string, NamedTensor] => [
          name,
          { data: data as Float32Array, dims },
        ]),
      )
    },
    close: () => session.release(),
  }
}

/** ONNX Runtime says of its own files no more than that no backend was found. */
function explain(error: unknown): never {
  const message = (error as Error).message
  if (!message.includes('no available backend')) throw error
  const { mjs, wasm } = env.wasm.wasmPaths as { mjs: string; wasm: string }
  throw new DataError(
    `ONNX Runtime cannot be started from ${mjs} and ${wasm}. Copy both from node_modules/onnxruntime-web/dist there, or ` +
      "say with 'wasmPaths' where they are; a Content-Security-Policy has to allow script-src 'wasm-unsafe-eval'. " +
      `(${message})`,
    { cause: error },
  )
}
