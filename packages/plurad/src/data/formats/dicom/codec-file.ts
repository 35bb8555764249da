import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * The decoders' WebAssembly code, from the installed package. The only part of reading DICOM that needs Node: a web page
 * fetches the same file instead.
 */
export function codecFile(): Uint8Array<ArrayBuffer> {
  const path = createRequire(import.meta.url).resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm')
  return new Uint8Array(readFileSync(path))
}
