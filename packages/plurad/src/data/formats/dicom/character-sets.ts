/**
 * Text of DICOM files by their Specific Character Set (PS3.5, chapter 6.1; PS3.3, C.12.1.1.2): one set, or with code extensions
 * (ISO 2022) several, between which escape sequences switch. Every value and every part of a name begins with the first.
 */

/** Single sets without code extensions -> label of the Encoding Standard. */
const SINGLE: Readonly<Record<string, string | undefined>> = {
  '': 'latin1',
  'ISO_IR 6': 'latin1',
  'ISO_IR 100': 'latin1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'windows-1254',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
}

/** What follows an escape -> how the bytes after it are read. */
const ESCAPES: readonly (readonly [string, (bytes: Uint8Array) => string])[] = [
  ['(B', by('latin1')],
  ['(J', by('shift_jis')],
  [')I', by('shift_jis')],
  ['$@', wrapped([0x1b, 0x24, 0x40], 'iso-2022-jp')],
  ['$B', wrapped([0x1b, 0x24, 0x42], 'iso-2022-jp')],
  // JIS X 0212 as EUC-JP has it: high bits set, each character behind 0x8F.
  [
    '$(D',
    (bytes) => by('euc-jp')(Uint8Array.from(pairs(bytes).flatMap(([a, b]) => [0x8f, a | 128, b | 128]))),
  ],
  ['$)C', by('euc-kr')],
  ['$)A', by('gbk')],
  ['-A', by('latin1')],
  ['-B', by('iso-8859-2')],
  ['-C', by('iso-8859-3')],
  ['-D', by('iso-8859-4')],
  ['-L', by('iso-8859-5')],
  ['-G', by('iso-8859-6')],
  ['-F', by('iso-8859-7')],
  ['-H', by('iso-8859-8')],
  ['-M', by('windows-1254')],
  ['-b', by('iso-8859-15')],
  ['-T', by('windows-874')],
]

const ESCAPE = 0x1b
/** Line ends, and what divides values, names and the groups of a name. */
const DIVIDERS = new Set([...'\t\n\f\r\\^='].map((character) => character.charCodeAt(0)))

/**
 * @param sets the values of Specific Character Set; none for ASCII
 * @returns null where a set or an escape sequence is not known
 */
export function decodeText(bytes: Uint8Array, sets: readonly string[]): string | null {
  const first = singleOf(sets[0] ?? '')
  if (first === null) return null
  if (!bytes.includes(ESCAPE)) return by(first)(bytes)
  let text = ''
  let read = by(first)
  let start = 0
  const flush = (end: number): void => {
    if (end > start) text += read(bytes.subarray(start, end))
    start = end
  }
  // Two-byte characters of the Japanese sets are made of printable bytes, dividers among them.
  let inPairs = false
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === ESCAPE) {
      flush(at)
      const rest = new TextDecoder('latin1').decode(bytes.subarray(at + 1, at + 4))
      const known = ESCAPES.find(([sequence]) => rest.startsWith(sequence))
      if (known === undefined) return null
      const [sequence, decode] = known
      read = decode
      inPairs = ['$@', '$B', '$(D'].includes(sequence)
      at += 1 + sequence.length
      start = at
    } else if (!inPairs && DIVIDERS.has(bytes[at])) {
      flush(at)
      read = by(first)
      at++
    } else at += inPairs ? 2 : 1
  }
  flush(bytes.length)
  return text
}

/** `ISO 2022 IR 100` begins as `ISO_IR 100` does. */
function singleOf(set: string): string | null {
  const extended = /^ISO 2022 IR (\d+)$/.exec(set)
  if (extended === null) return SINGLE[set] ?? null
  // Sets of two bytes are only switched to: before that there is ASCII.
  return ['87', '159', '149', '58'].includes(extended[1])
    ? 'latin1'
    : (SINGLE[`ISO_IR ${extended[1]}`] ?? null)
}

function by(encoding: string): (bytes: Uint8Array) => string {
  return (bytes) => new TextDecoder(encoding).decode(bytes)
}

function wrapped(before: readonly number[], encoding: string): (bytes: Uint8Array) => string {
  return (bytes) => by(encoding)(Uint8Array.from([...before, ...bytes]))
}

function pairs(bytes: Uint8Array): [number, number][] {
  return Array.from({ length: bytes.length >> 1 }, (_, i) => [bytes[2 * i], bytes[2 * i + 1]])
}
