/**
 * CharLS as cornerstone.js builds it: JPEG-LS in less than half of the time of dcmjs-codecs' build. In Node only, since its
 * glue code is CommonJS; a web page has dcmjs-codecs' build for it.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Codestream } from './codestream.js'

interface JpegLsDecoder {
  /** Memory for so many bytes. */
  getEncodedBuffer(length: number): Uint8Array
  decode(): void
  /** Samples of 8 or 16 bits, until `delete`. */
  getDecodedBuffer(): Uint8Array
  delete(): void
}

interface CharLs {
  JpegLSDecoder: new () => JpegLsDecoder
}

/** TypeScript knows WebAssembly only together with a browser's page. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    Module: new (code: Uint8Array) => object
    Instance: new (module: object, imports: object) => { exports: object }
  }
}

/** An instance that has grown beyond is given up after use: WebAssembly memory never shrinks. */
const KEPT_MEMORY = 2 ** 29

let compiled: object | undefined
let kept: CharLs | undefined

/**
 * @param codestream checked, with one component
 * @returns samples of 8 or 16 bits in the machine's byte order; null where it cannot be decoded, or not completely
 */
export function decodeWithCharLs({ width, height, bits, data }: Codestream): Uint8Array<ArrayBuffer> | null {
  try {
    const charls = (kept ??= instantiate())
    const decoder = new charls.JpegLSDecoder()
    decoder.getEncodedBuffer(data.length).set(data)
    decoder.decode()
    const { buffer, byteOffset, byteLength } = decoder.getDecodedBuffer()
    const decoded = new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)
    decoder.delete()
    if (buffer.byteLength > KEPT_MEMORY) kept = undefined
    return byteLength === width * height * (bits <= 8 ? 1 : 2) ? decoded : null
  } catch {
    // Its memory was not cleaned up.
    kept = undefined
    return null
  }
}

/** At once: its own loader would be done a turn of the event loop later. */
function instantiate(): CharLs {
  const require = createRequire(import.meta.url)
  const create = require('@cornerstonejs/codec-charls/decodewasmjs') as (settings: object) => Promise<CharLs>
  const path = require.resolve('@cornerstonejs/codec-charls/decodewasm')
  const module = (compiled ??= new wasm.Module(new Uint8Array(readFileSync(path))))
  // Its classes are added to this object.
  const settings = {
    print: () => undefined,
    printErr: () => undefined,
    instantiateWasm: (imports: object, done: (instance: object) => void) => {
      const instance = new wasm.Instance(module, imports)
      done(instance)
      return instance.exports
    },
  }
  // What goes wrong later shows in the first use.
  create(settings).catch(() => undefined)
  return settings as unknown as CharLs
}
