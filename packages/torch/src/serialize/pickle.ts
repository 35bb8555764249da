/**
 * Python's pickle format, read as data: this machine knows lists, dictionaries, texts and numbers, and calls nothing. What a
 * pickle wants to call goes to `Callables`, which knows the few names that files of tensors need and refuses the rest.
 * https://docs.python.org/3/library/pickletools.html
 */
import type { ByteReader } from './byte-source.js'
import { SerializationError } from '../errors.js'

/** A function or class that a pickle names. It is only a name. */
export class PickleGlobal {
  readonly path: string

  constructor(
    readonly module: string,
    readonly name: string,
  ) {
    this.path = `${module}.${name}`
  }
}

/** An object of some class, as the pickle describes it: nothing of the class was looked up or run. */
export class PickleObject {
  state: PickleValue = null
  readonly items = new Map<PickleValue, PickleValue>()

  constructor(
    readonly type: PickleGlobal,
    readonly args: readonly PickleValue[],
  ) {}
}

/** Something that the reader of persistent identifiers or a known callable made. */
export abstract class PickleLeaf {
  abstract readonly kind: string
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleGlobal
  | PickleObject
  | PickleLeaf

export interface Callables {
  /** The value of a call of a function or class, or an error. `how` is the way in which it is called. */
  call(callee: PickleGlobal, args: readonly PickleValue[], how: 'call' | 'new'): PickleValue
  /** Gives an object its state. */
  build(object: PickleValue, state: PickleValue): void
  persistent(id: PickleValue): PickleValue
}

/** A checkpoint of thousands of tensors with its optimiser takes about a hundredth of this. */
const MAX_OPERATIONS = 10_000_000
const MAX_TEXT = 256 * 2 ** 20
const MAX_LINE = 4096
/** Bytes of an integer: Python's are unbounded. */
const MAX_INTEGER = 1024

const MARK = Symbol('mark')

type Slot = PickleValue | typeof MARK

/**
 * Reads one pickle to its end.
 *
 * @throws SerializationError where it is damaged or wants what is refused; RangeError where it ends too early
 */
export function readPickle(reader: ByteReader, callables: Callables): PickleValue {
  return new Machine(reader, callables).run()
}

class Machine {
  readonly #reader: ByteReader
  readonly #callables: Callables
  readonly #stack: Slot[] = []
  readonly #memo = new Map<number, PickleValue>()
  /** Where the marks stand in the stack. */
  readonly #marks: number[] = []
  #text = 0

  constructor(reader: ByteReader, callables: Callables) {
    this.#reader = reader
    this.#callables = callables
  }

  run(): PickleValue {
    for (let count = 0; count < MAX_OPERATIONS; count++) {
      const code = this.#reader.byte()
      if (code === STOP) return this.#pop()
      const operation = operations[code]
      if (operation === undefined) throw new SerializationError(`operation ${shown(code)} is not allowed`)
      operation(this)
    }
    throw new SerializationError(`it has more than ${MAX_OPERATIONS} operations`)
  }

  get reader(): ByteReader {
    return this.#reader
  }

  push(value: PickleValue): void {
    this.#stack.push(value)
  }

  #pop(): PickleValue {
    const value = this.#stack.pop()
    if (value === undefined || value === MARK) throw new SerializationError('its stack is empty')
    return value
  }

  pop(): PickleValue {
    return this.#pop()
  }

  top(): PickleValue {
    const value = this.#stack.at(-1)
    if (value === undefined || value === MARK) throw new SerializationError('its stack is empty')
    return value
  }

  mark(): void {
    this.#marks.push(this.#stack.length)
    this.#stack.push(MARK)
  }

  /** What stands above the last mark, which goes too. */
  popToMark(): PickleValue[] {
    const at = this.#marks.pop()
    if (at === undefined || this.#stack[at] !== MARK) throw new SerializationError('a mark is missing')
    const values = this.#stack.splice(at)
    values.shift()
    return values as PickleValue[]
  }

  popAny(): void {
    if (this.#stack.length === 0) throw new SerializationError('its stack is empty')
    if (this.#stack.pop() === MARK) this.#marks.pop()
  }

  remember(at: number): void {
    this.#memo.set(at, this.top())
  }

  rememberNext(): void {
    this.remember(this.#memo.size)
  }

  recall(at: number): void {
    const value = this.#memo.get(at)
    if (value === undefined) throw new SerializationError(`it recalls ${at}, which it never stored`)
    this.push(value)
  }

  bytes(length: number): Uint8Array {
    this.#text += length
    if (this.#text > MAX_TEXT) throw new SerializationError(`it has more than ${MAX_TEXT} bytes of text`)
    return this.#reader.take(length)
  }

  text(length: number, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    const bytes = this.bytes(length)
    this.push(Buffer.from(bytes.buffer, bytes.byteOffset, length).toString(encoding))
  }

  append(values: readonly PickleValue[]): void {
    const target = this.top()
    // Classes that are lists keep what they are given to themselves.
    if (target instanceof PickleObject) return
    if (!Array.isArray(target)) throw new SerializationError('it appends to what is no list')
    for (const value of values) target.push(value)
  }

  setItems(values: readonly PickleValue[]): void {
    const target = this.top()
    const map = target instanceof PickleObject ? target.items : target
    if (!(map instanceof Map)) throw new SerializationError('it sets items of what is no dictionary')
    for (const [key, value] of pairs(values)) map.set(key, value)
  }

  call(callee: PickleValue, args: PickleValue, how: 'call' | 'new'): void {
    if (!(callee instanceof PickleGlobal))
      throw new SerializationError('it calls what is no function or class')
    if (!Array.isArray(args))
      throw new SerializationError(`it calls ${callee.path} without a tuple of arguments`)
    this.push(this.#callables.call(callee, args, how))
  }

  build(): void {
    const state = this.#pop()
    this.#callables.build(this.top(), state)
  }

  persistent(): void {
    this.push(this.#callables.persistent(this.#pop()))
  }
}

function pairs(values: readonly PickleValue[]): [PickleValue, PickleValue][] {
  if (values.length % 2 !== 0) throw new SerializationError('a dictionary has a key without a value')
  return Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i], values[2 * i + 1]])
}

function shown(code: number): string {
  return code > 32 && code < 127 ? `'${String.fromCharCode(code)}'` : `0x${code.toString(16)}`
}

/** Two's complement, the lowest byte first. */
function integer(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0
  if (bytes.length > MAX_INTEGER) throw new SerializationError(`an integer has ${bytes.length} bytes`)
  const value = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const signed = BigInt.asIntN(8 * bytes.length, value)
  return small(signed)
}

function small(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function decimalInteger(text: string): number | bigint | boolean {
  if (text === '00' || text === '01') return text === '01'
  if (!/^-?\d+L?$/.test(text)) throw new SerializationError(`'${text.slice(0, 40)}' is no integer`)
  return small(BigInt(text.replace('L', '')))
}

function decimalNumber(text: string): number {
  const value = /^-?(inf|nan)$/.test(text)
    ? text.endsWith('nan')
      ? NaN
      : text.startsWith('-')
        ? -Infinity
        : Infinity
    : Number(text)
  if (text.trim() === '' || (Number.isNaN(value) && !text.endsWith('nan')))
    throw new SerializationError(`'${text.slice(0, 40)}' is no number`)
  return value
}

/** A text as Python prints it; those with escapes are not needed and refused. */
function quoted(text: string): string {
  const inner = /^'([^'\\]*)'$|^"([^"\\]*)"$/.exec(text)
  if (inner === null) throw new SerializationError(`${text.slice(0, 40)} is no plain text in quotes`)
  return inner[1] ?? inner[2]
}

/** Eight bytes as a length; more than a safe integer is more than any file. */
const length64 = (machine: Machine): number => Number(machine.reader.view(8).getBigUint64(0, true))
const uint32 = (machine: Machine): number => machine.reader.view(4).getUint32(0, true)
const line = (machine: Machine): string => machine.reader.line(MAX_LINE)

/** `INST` and `OBJ`: classes of Python 2, called with what stands above the mark. */
const callAboveMark = (machine: Machine, callee: PickleValue, args: PickleValue[]): void =>
  machine.call(callee, args, 'call')

const STOP = '.'.charCodeAt(0)

const operations: ((machine: Machine) => void)[] = []
const define = (code: string | number, operation: (machine: Machine) => void): void => {
  operations[typeof code === 'string' ? code.charCodeAt(0) : code] = operation
}

define(0x80, (m) => {
  const protocol = m.reader.byte()
  if (protocol > 5) throw new SerializationError(`its protocol ${protocol} is newer than 5`)
})
define(0x95, (m) => void m.reader.take(8))

define('(', (m) => m.mark())
define('0', (m) => m.popAny())
define('1', (m) => void m.popToMark())
define('2', (m) => m.push(m.top()))

define('N', (m) => m.push(null))
define(0x88, (m) => m.push(true))
define(0x89, (m) => m.push(false))
define('I', (m) => m.push(decimalInteger(line(m))))
define('L', (m) => m.push(decimalInteger(line(m))))
define('J', (m) => m.push(m.reader.view(4).getInt32(0, true)))
define('K', (m) => m.push(m.reader.byte()))
define('M', (m) => m.push(m.reader.view(2).getUint16(0, true)))
define(0x8a, (m) => m.push(integer(m.reader.take(m.reader.byte()))))
define(0x8b, (m) => m.push(integer(m.bytes(uint32(m)))))
define('F', (m) => m.push(decimalNumber(line(m))))
define('G', (m) => m.push(m.reader.view(8).getFloat64(0, false)))

define('S', (m) => m.push(quoted(line(m))))
define('V', (m) => m.push(line(m)))
define('T', (m) => m.text(uint32(m), 'latin1'))
define('U', (m) => m.text(m.reader.byte(), 'latin1'))
define('X', (m) => m.text(uint32(m)))
define(0x8c, (m) => m.text(m.reader.byte()))
define(0x8d, (m) => m.text(length64(m)))
define('B', (m) => m.push(m.bytes(uint32(m)).slice()))
define('C', (m) => m.push(m.bytes(m.reader.byte()).slice()))
define(0x8e, (m) => m.push(m.bytes(length64(m)).slice()))
define(0x96, (m) => m.push(m.bytes(length64(m)).slice()))

define(']', (m) => m.push([]))
define(')', (m) => m.push([]))
define('}', (m) => m.push(new Map()))
define(0x8f, (m) => m.push([]))
define('l', (m) => m.push(m.popToMark()))
define('t', (m) => m.push(m.popToMark()))
define(0x91, (m) => m.push(m.popToMark()))
define('d', (m) => m.push(new Map(pairs(m.popToMark()))))
define(0x85, (m) => m.push([m.pop()]))
define(0x86, (m) => {
  const second = m.pop()
  m.push([m.pop(), second])
})
define(0x87, (m) => {
  const third = m.pop()
  const second = m.pop()
  m.push([m.pop(), second, third])
})
define('a', (m) => {
  const value = m.pop()
  m.append([value])
})
define('e', (m) => {
  const values = m.popToMark()
  m.append(values)
})
define(0x90, (m) => {
  const values = m.popToMark()
  m.append(values)
})
define('s', (m) => {
  const value = m.pop()
  const key = m.pop()
  m.setItems([key, value])
})
define('u', (m) => {
  const values = m.popToMark()
  m.setItems(values)
})

define('p', (m) => {
  const at = decimalInteger(line(m))
  if (typeof at !== 'number') throw new SerializationError('it stores under what is no number')
  m.remember(at)
})
define('q', (m) => m.remember(m.reader.byte()))
define('r', (m) => m.remember(uint32(m)))
define(0x94, (m) => m.rememberNext())
define('g', (m) => m.recall(Number(decimalInteger(line(m)))))
define('h', (m) => m.recall(m.reader.byte()))
define('j', (m) => m.recall(uint32(m)))

define('c', (m) => {
  const module = line(m)
  m.push(new PickleGlobal(module, line(m)))
})
define(0x93, (m) => {
  const name = m.pop()
  const module = m.pop()
  if (typeof name !== 'string' || typeof module !== 'string')
    throw new SerializationError('a global has no name')
  m.push(new PickleGlobal(module, name))
})
define('R', (m) => {
  const args = m.pop()
  m.call(m.pop(), args, 'call')
})
define(0x81, (m) => {
  const args = m.pop()
  m.call(m.pop(), args, 'new')
})
define(0x92, (m) => {
  const keywords = m.pop()
  const args = m.pop()
  if (!(keywords instanceof Map) || keywords.size > 0)
    throw new SerializationError('it makes an object with arguments by name')
  m.call(m.pop(), args, 'new')
})
define('i', (m) => {
  const module = line(m)
  const callee = new PickleGlobal(module, line(m))
  callAboveMark(m, callee, m.popToMark())
})
define('o', (m) => {
  const [callee = null, ...args] = m.popToMark()
  callAboveMark(m, callee, args)
})
define('b', (m) => m.build())
define('Q', (m) => m.persistent())
