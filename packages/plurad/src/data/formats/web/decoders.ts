/** The decoders of compressed images in a web page: fetched when the first image needs them. */
import { setDecoders } from '../dicom/codecs.js'
import { DataError } from '../../../errors.js'

export const DECODERS_FILE = 'dcmjs-native-codecs.wasm'

let place: string | URL = DECODERS_FILE
let loading: Promise<void> | undefined

/** Where `dcmjs-native-codecs.wasm` is, seen from the page. */
export function setDecodersUrl(url: string | URL): void {
  place = url
}

/** @throws DataError where the file is not where it should be */
export function loadDecoders(): Promise<void> {
  loading ??= fetchDecoders().catch((error: unknown) => {
    // The next image tries again: the network may be back.
    loading = undefined
    throw error
  })
  return loading
}

/** TypeScript knows WebAssembly only together with a browser's page. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: { compile: (code: ArrayBuffer) => Promise<object> }
}

async function fetchDecoders(): Promise<void> {
  const lacking = (reason: string, cause?: unknown): DataError =>
    new DataError(
      `The decoders of compressed images are not at ${String(place)} (${reason}). Copy ${DECODERS_FILE} of the package ` +
        "dcmjs-codecs there, or say with 'wasmPaths' where it is.",
      { cause },
    )
  const response = await fetch(place).catch((error: unknown) => {
    throw lacking((error as Error).message, error)
  })
  if (!response.ok) throw lacking(`HTTP ${response.status}`)
  try {
    setDecoders(await wasm.compile(await response.arrayBuffer()))
  } catch (error) {
    throw lacking((error as Error).message, error)
  }
}
