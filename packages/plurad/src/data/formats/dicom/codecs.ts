import type { Codestream } from './codestream.js'
import type { Compression } from './transfer-syntax.js'

/** The functions of dcmjs-codecs' WebAssembly module that decoding takes; contexts and buffers are addresses. */
interface Native {
  memory: { readonly buffer: ArrayBuffer }
  _initialize(): void
  CreateCodecsContext(): number
  ReleaseCodecsContext(context: number): void
  SetColumns(context: number, columns: number): void
  SetRows(context: number, rows: number): void
  SetBitsAllocated(context: number, bits: number): void
  SetBitsStored(context: number, bits: number): void
  SetSamplesPerPixel(context: number, samples: number): void
  SetPixelRepresentation(context: number, signed: number): void
  SetEncodedBufferSize(context: number, size: number): void
  GetEncodedBuffer(context: number): number
  GetDecodedBufferSize(context: number): number
  GetDecodedBuffer(context: number): number
  CreateDecoderParameters(): number
  ReleaseDecoderParameters(parameters: number): void
  DecodeJpeg(context: number, parameters: number): void
  DecodeJpegLs(context: number, parameters: number): void
  DecodeJpeg2000(context: number, parameters: number): void
}

/** TypeScript knows WebAssembly only together with a browser's page. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    Module: new (code: Uint8Array) => object
    Instance: new (module: object, imports: object) => { exports: Native }
  }
}

interface Decoders {
  native: Native
  /** What the decoders said of the present frame. */
  messages: string[]
}

/** What libjpeg and OpenJPEG say where they fill a missing part with something. */
const DAMAGE = /Corrupt JPEG data|Premature end|CallbackWarning/

/** An instance that has grown beyond is given up after use: WebAssembly memory never shrinks. */
const KEPT_MEMORY = 2 ** 29

let code: (() => Uint8Array) | undefined
let compiled: object | undefined
let decoders: Decoders | undefined

/** Says where the decoders' WebAssembly code comes from, once a compressed frame needs it. */
export function findDecoders(read: () => Uint8Array): void {
  code = read
}

/** Decodes JPEG-LS of one component; null where it cannot. */
type GreyJpegLs = (codestream: Codestream) => Uint8Array<ArrayBuffer> | null
let greyJpegLs: GreyJpegLs | undefined

/** Gives another decoder for JPEG-LS of one component. What it refuses goes to the one that says what is wrong. */
export function useForGreyJpegLs(decode: GreyJpegLs): void {
  greyJpegLs = decode
}

/** Gives the decoders as a compiled module, which a web page fetches before it decodes. */
export function setDecoders(module: object): void {
  compiled = module
}

/**
 * Decodes a JPEG, JPEG-LS or JPEG 2000 frame.
 *
 * dcmjs-codecs' own wrapper is left out: it loads a DICOM library that nothing here needs, hides the decoders' warnings,
 * and after an error keeps an instance whose memory was not cleaned up.
 *
 * @param codestream what the frame says of itself; checked, the decoders are not safe against contradictions
 * @returns samples of 8 or 16 bits in the machine's byte order, without any conversion of colour
 */
export function decodeCompressed(
  compression: Exclude<Compression, 'rle' | null>,
  codestream: Codestream,
): Uint8Array<ArrayBuffer> {
  if (compression === 'jpeg-ls' && codestream.components === 1) {
    const decoded = greyJpegLs?.(codestream) ?? null
    if (decoded !== null) return decoded
  }
  const { native, messages } = (decoders ??= instantiate())
  messages.length = 0
  try {
    const decoded = decode(native, compression, codestream)
    const damage = messages.find((message) => DAMAGE.test(message))
    if (damage !== undefined) throw new Error(damage)
    if (native.memory.buffer.byteLength > KEPT_MEMORY) decoders = undefined
    return decoded
  } catch (error) {
    decoders = undefined
    throw new Error(`its compressed frame cannot be decoded (${reason(error)})`, { cause: error })
  }
}

function decode(
  native: Native,
  compression: Exclude<Compression, 'rle' | null>,
  { width, height, components, bits, signed, data }: Codestream,
): Uint8Array<ArrayBuffer> {
  const bytesPerSample = bits <= 8 ? 1 : 2
  const context = native.CreateCodecsContext()
  const parameters = native.CreateDecoderParameters()
  native.SetColumns(context, width)
  native.SetRows(context, height)
  native.SetBitsAllocated(context, 8 * bytesPerSample)
  native.SetBitsStored(context, bits)
  native.SetSamplesPerPixel(context, components)
  native.SetPixelRepresentation(context, signed === true ? 1 : 0)
  native.SetEncodedBufferSize(context, data.length)
  new Uint8Array(native.memory.buffer).set(data, native.GetEncodedBuffer(context))
  if (compression === 'jpeg') native.DecodeJpeg(context, parameters)
  else if (compression === 'jpeg-ls') native.DecodeJpegLs(context, parameters)
  // OpenJPEG also for high throughput: OpenJPH swaps the components of some colour images and hides damage.
  else native.DecodeJpeg2000(context, parameters)
  const size = native.GetDecodedBufferSize(context)
  const expected = width * height * components * bytesPerSample
  if (size !== expected) throw new Error(`the decoder gave ${size} bytes, where ${expected} are expected`)
  const start = native.GetDecodedBuffer(context)
  const decoded = new Uint8Array(native.memory.buffer.slice(start, start + size))
  native.ReleaseDecoderParameters(parameters)
  native.ReleaseCodecsContext(context)
  return decoded
}

function instantiate(): Decoders {
  if (compiled === undefined) {
    if (code === undefined) throw new Error('the decoders have not been loaded')
    compiled = new wasm.Module(code())
  }
  const messages: string[] = []
  const text = (address: number, length: number): string =>
    new TextDecoder('latin1').decode(new Uint8Array(instance.exports.memory.buffer, address, length))
  const note = (address: number, length: number): void => {
    messages.push(text(address, length))
  }
  const instance = new wasm.Instance(compiled, {
    env: {
      emscripten_notify_memory_growth: () => undefined,
      onCodecsInfo: note,
      onCodecsTrace: () => undefined,
      onCodecsException: (address: number, length: number) => {
        throw new Error(text(address, length))
      },
    },
    wasi_snapshot_preview1: {
      proc_exit: () => {
        throw new Error('the decoder gave up')
      },
      clock_time_get: () => 0,
      environ_get: () => 0,
      environ_sizes_get: (count: number, size: number) => {
        const view = new DataView(instance.exports.memory.buffer)
        view.setUint32(count, 0, true)
        view.setUint32(size, 0, true)
        return 0
      },
      // Everything the decoders print; they get told that all was written.
      fd_write: (_file: number, parts: number, count: number, written: number) => {
        const view = new DataView(instance.exports.memory.buffer)
        let total = 0
        for (let part = 0; part < count; part++) {
          const length = view.getUint32(parts + 8 * part + 4, true)
          note(view.getUint32(parts + 8 * part, true), length)
          total += length
        }
        view.setUint32(written, total, true)
        return 0
      },
      fd_seek: () => 0,
      fd_close: () => 0,
    },
  })
  instance.exports._initialize()
  return { native: instance.exports, messages }
}

/** The last part of messages such as `JpegDecoder8::ErrorExit::Unsupported marker type 0x4f`. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.slice(message.lastIndexOf('::') + (message.includes('::') ? 2 : 0)).trim()
}
