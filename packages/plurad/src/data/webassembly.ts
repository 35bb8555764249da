/**
 * WebAssembly written by hand, for loops that JavaScript has no vector instructions for: a code is a nested list of
 * bytes, in the order of the text format's folded instructions with the operands first. Only what is used is here.
 * Instruction numbers: WebAssembly Core Specification 2.0, section 5.4.
 */

export type Code = readonly (number | Code)[]

const I32 = 0x7f
const F32 = 0x7d
const V128 = 0x7b
const types = { i32: I32, f32: F32, v128: V128 }
export type ValueType = keyof typeof types

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}

/** Signed LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 127
    if (rest >= -64 && rest < 64) return [...bytes, low]
    bytes.push(low + 128)
  }
}

const flat = (code: Code): number[] => code.flatMap((part) => (typeof part === 'number' ? part : flat(part)))
const vector = (items: readonly Code[]): Code => [unsigned(items.length), ...items]
const sized = (code: Code): Code => [unsigned(flat(code).length), code]

export const get = (local: number): Code => [0x20, unsigned(local)]
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)]

export const i32 = {
  const: (value: number): Code => [0x41, signed(value)],
  /** From memory. */
  load: (address: Code): Code => [address, 0x28, 2, 0],
  /** Two bytes, as a number from 0 to 65535. */
  load16: (address: Code, offset = 0): Code => [address, 0x2f, 1, unsigned(offset)],
  /** The lowest byte, or the lowest two. */
  store8: (address: Code, value: Code, offset = 0): Code => [address, value, 0x3a, 0, unsigned(offset)],
  store16: (address: Code, value: Code, offset = 0): Code => [address, value, 0x3b, 1, unsigned(offset)],
  add: (a: Code, b: Code): Code => [a, b, 0x6a],
  shiftLeft: (a: Code, bits: number): Code => [a, i32.const(bits), 0x74],
}

export const f32 = {
  store: (address: Code, value: Code, offset = 0): Code => [address, value, 0x38, 2, unsigned(offset)],
  add: (a: Code, b: Code): Code => [a, b, 0x92],
  mul: (a: Code, b: Code): Code => [a, b, 0x94],
}

const simd = (instruction: number): Code => [0xfd, unsigned(instruction)]
const memory = (instruction: number, address: Code, offset: number): Code => [
  address,
  simd(instruction),
  // No alignment promised.
  0,
  unsigned(offset),
]

/** Vectors of 16 bytes; the names are those of the text format. */
export const v128 = {
  zero: [simd(12), new Array<number>(16).fill(0)] as Code,
  load: (address: Code, offset = 0): Code => memory(0, address, offset),
  /** Eight bytes as eight 16-bit numbers. */
  load8x8: (address: Code, offset = 0): Code => memory(2, address, offset),
  /** One number four times. */
  loadSplat: (address: Code, offset = 0): Code => memory(9, address, offset),
  store: (address: Code, value: Code, offset = 0): Code => [address, value, simd(11), 0, unsigned(offset)],
}

export const i32x4 = {
  /** The first or the last four of eight unsigned 16-bit numbers. */
  extendLow: (a: Code): Code => [a, simd(169)],
  extendHigh: (a: Code): Code => [a, simd(170)],
}

export const f32x4 = {
  convert: (a: Code): Code => [a, simd(250)],
  add: (a: Code, b: Code): Code => [a, b, simd(228)],
  mul: (a: Code, b: Code): Code => [a, b, simd(230)],
  lane: (a: Code, lane: number): Code => [a, simd(31), lane],
}

/** Does `body` again until `local`, raised by `step` after each turn, is no longer below `end`; at least once. */
export const repeat = (local: number, step: number, end: Code, body: Code): Code => [
  [0x03, 0x40],
  body,
  set(local, i32.add(get(local), i32.const(step))),
  // i32.lt_u, br_if 0, end.
  [get(local), end, 0x49, 0x0d, 0, 0x0b],
]

export interface WasmFunction {
  parameters: readonly ValueType[]
  /** Further local variables, numbered on from the parameters. */
  locals: readonly ValueType[]
  body: Code
}

/** The bytes of a module that takes its memory as `host.memory` and exports these functions, which return nothing. */
function wasmModule(functions: Readonly<Record<string, WasmFunction>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(functions)
  const name = (text: string): Code => vector([...new TextEncoder().encode(text)].map((byte) => [byte]))
  const section = (id: number, items: readonly Code[]): Code => [id, sized(vector(items))]
  const signature = ({ parameters }: WasmFunction): Code => [
    0x60,
    vector(parameters.map((type) => [types[type]])),
    0,
  ]
  const code = ({ locals, body }: WasmFunction): Code =>
    sized([vector(locals.map((type) => [1, types[type]])), body, 0x0b])
  const module: Code = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(
      1,
      entries.map(([, f]) => signature(f)),
    ),
    section(2, [[name('host'), name('memory'), 2, 0, 1]]),
    section(
      3,
      entries.map((_, index) => unsigned(index)),
    ),
    section(
      7,
      entries.map(([key], index) => [name(key), 0, unsigned(index)]),
    ),
    section(
      10,
      entries.map(([, f]) => code(f)),
    ),
  ]
  return Uint8Array.from(flat(module))
}

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): void
}

/** As much as is used of what every runtime has, but TypeScript knows from the browser's library only. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => Memory
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  Instance: new (module: object, imports: { host: { memory: Memory } }) => { exports: object }
}

const PAGE = 2 ** 16

export interface WasmProgram<Name extends string> {
  functions: Readonly<Record<Name, (...args: number[]) => void>>
  /** The program's memory, grown to at least so many bytes; it never shrinks. */
  memory(size: number): ArrayBuffer
}

/** Compiles; null where WebAssembly is missing or forbidden, as by a page's content security policy. */
export function compile<Name extends string>(
  functions: Readonly<Record<Name, WasmFunction>>,
): WasmProgram<Name> | null {
  try {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasmModule(functions)), {
      host: { memory },
    })
    return {
      functions: exports as WasmProgram<Name>['functions'],
      memory(size) {
        const missing = size - memory.buffer.byteLength
        if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
        return memory.buffer
      },
    }
  } catch {
    return null
  }
}
