/**
 * A table of all 8- or 16-bit words, looked up for every pixel. Where a table is not worth working out for words that never
 * occur, `occurring` says which do. In WebAssembly where there is some: it needs no warming up and half of the time.
 */
import { compile, get, i32, repeat, type WasmFunction } from './webassembly.js'

/** Words of 16 bits. */
const COUNT = 2 ** 16

/** Addresses of what occurs [65536] bytes, the table [65536] words, and a band of the image. */
const OCCURS = 0
const TABLE = COUNT
const BAND = 3 * COUNT

/** Words that are copied at once: few enough for the processor's cache. */
const BAND_WORDS = 2 ** 17

/** Words that one turn of a loop takes; what lies past the end of the image is looked up with it and left where it is. */
const TURN = 8

const turn = (step: (offset: number) => ReturnType<typeof get>): WasmFunction => ({
  parameters: ['i32', 'i32'],
  locals: [],
  body: repeat(
    0,
    TURN * 2,
    get(1),
    Array.from({ length: TURN }, (_, word) => step(word * 2)),
  ),
})

const program = compile({
  note: turn((offset) => i32.store8(i32.load16(get(0), offset), i32.const(1), OCCURS)),
  lookUp: turn((offset) =>
    i32.store16(get(0), i32.load16(i32.shiftLeft(i32.load16(get(0), offset), 1), TABLE), offset),
  ),
})

export type Words = Uint8Array | Uint16Array

/** [65536], 1 for each word that occurs. */
export function occurring(words: Words, inWebAssembly = program !== null): Uint8Array {
  if (!inWebAssembly || program === null) {
    const occurs = new Uint8Array(COUNT)
    for (let at = 0; at < words.length; at++) occurs[words[at]] = 1
    return occurs
  }
  const { memory, band } = memoryOf(program)
  const occurs = new Uint8Array(memory, OCCURS, COUNT)
  occurs.fill(0)
  for (let at = 0; at < words.length; at += BAND_WORDS) {
    const part = words.subarray(at, at + BAND_WORDS)
    band.set(part)
    // What was there before would be noted too.
    band.fill(part[0], part.length, part.length + TURN)
    program.functions.note(BAND, BAND + part.length * 2)
  }
  return occurs.slice()
}

/**
 * `target[i] = table[words[i]]`.
 *
 * @param table [65536]
 * @param target as long as `words`; may be the same
 */
export function lookUp(
  words: Words,
  table: Uint16Array,
  target: Uint16Array,
  inWebAssembly = program !== null,
): void {
  if (!inWebAssembly || program === null) {
    for (let at = 0; at < words.length; at++) target[at] = table[words[at]]
    return
  }
  const { memory, band } = memoryOf(program)
  new Uint16Array(memory, TABLE, COUNT).set(table)
  for (let at = 0; at < words.length; at += BAND_WORDS) {
    const part = words.subarray(at, at + BAND_WORDS)
    band.set(part)
    program.functions.lookUp(BAND, BAND + part.length * 2)
    target.set(band.subarray(0, part.length), at)
  }
}

function memoryOf(loaded: NonNullable<typeof program>) {
  const memory = loaded.memory(BAND + (BAND_WORDS + TURN) * 2)
  return { memory, band: new Uint16Array(memory, BAND, BAND_WORDS + TURN) }
}
