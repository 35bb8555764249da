/** How the frames of a file are compressed; null: not at all. */
export type Compression = 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | null

/** How a file's bytes are to be read (PS3.5, section 10 and annex A). */
export interface TransferSyntax {
  uid: string
  /** As PS3.6 names it. */
  name: string
  /** Whether each element says its type (VR). */
  explicit: boolean
  bigEndian: boolean
  /** Whether all after the file meta information is deflated. */
  deflated: boolean
  compression: Compression
}

const plain = { explicit: true, bigEndian: false, deflated: false, compression: null } as const
const jpeg = { ...plain, compression: 'jpeg' } as const
const jpegLs = { ...plain, compression: 'jpeg-ls' } as const
const jpeg2000 = { ...plain, compression: 'jpeg-2000' } as const

export const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2'
export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'

const readable: readonly TransferSyntax[] = [
  { ...plain, uid: IMPLICIT_LITTLE_ENDIAN, name: 'Implicit VR Little Endian', explicit: false },
  { ...plain, uid: EXPLICIT_LITTLE_ENDIAN, name: 'Explicit VR Little Endian' },
  {
    ...plain,
    uid: '1.2.840.10008.1.2.1.99',
    name: 'Deflated Explicit VR Little Endian',
    deflated: true,
  },
  { ...plain, uid: '1.2.840.10008.1.2.2', name: 'Explicit VR Big Endian', bigEndian: true },
  { ...plain, uid: '1.2.840.10008.1.2.5', name: 'RLE Lossless', compression: 'rle' },
  { ...jpeg, uid: '1.2.840.10008.1.2.4.50', name: 'JPEG Baseline (Process 1)' },
  { ...jpeg, uid: '1.2.840.10008.1.2.4.51', name: 'JPEG Extended (Process 2 and 4)' },
  { ...jpeg, uid: '1.2.840.10008.1.2.4.53', name: 'JPEG Spectral Selection (Process 6 and 8)' },
  { ...jpeg, uid: '1.2.840.10008.1.2.4.55', name: 'JPEG Full Progression (Process 10 and 12)' },
  { ...jpeg, uid: '1.2.840.10008.1.2.4.57', name: 'JPEG Lossless (Process 14)' },
  { ...jpeg, uid: '1.2.840.10008.1.2.4.70', name: 'JPEG Lossless (Process 14, Selection Value 1)' },
  { ...jpegLs, uid: '1.2.840.10008.1.2.4.80', name: 'JPEG-LS Lossless' },
  { ...jpegLs, uid: '1.2.840.10008.1.2.4.81', name: 'JPEG-LS Near-Lossless' },
  { ...jpeg2000, uid: '1.2.840.10008.1.2.4.90', name: 'JPEG 2000 Lossless Only' },
  { ...jpeg2000, uid: '1.2.840.10008.1.2.4.91', name: 'JPEG 2000' },
  { ...jpeg2000, uid: '1.2.840.10008.1.2.4.201', name: 'High-Throughput JPEG 2000 Lossless Only' },
  {
    ...jpeg2000,
    uid: '1.2.840.10008.1.2.4.202',
    name: 'High-Throughput JPEG 2000 with RPCL Lossless Only',
  },
  { ...jpeg2000, uid: '1.2.840.10008.1.2.4.203', name: 'High-Throughput JPEG 2000' },
]

/** Names for the refusal of others, by the beginning of their UID; the first that fits. */
const known: readonly (readonly [string, string])[] = [
  ['1.2.840.10008.1.2.4.52', 'JPEG Extended (Process 3 and 5), retired'],
  ['1.2.840.10008.1.2.4.54', 'JPEG Spectral Selection (Process 7 and 9), retired'],
  ['1.2.840.10008.1.2.4.56', 'JPEG Full Progression (Process 11 and 13), retired'],
  ['1.2.840.10008.1.2.4.58', 'JPEG Lossless (Process 15), retired'],
  ['1.2.840.10008.1.2.4.59', 'JPEG hierarchical, retired'],
  ['1.2.840.10008.1.2.4.6', 'JPEG hierarchical, retired'],
  ['1.2.840.10008.1.2.4.92', 'JPEG 2000 Part 2 Multi-component Lossless Only'],
  ['1.2.840.10008.1.2.4.93', 'JPEG 2000 Part 2 Multi-component'],
  ['1.2.840.10008.1.2.4.94', 'JPIP Referenced'],
  ['1.2.840.10008.1.2.4.95', 'JPIP Referenced Deflate'],
  ['1.2.840.10008.1.2.4.100', 'MPEG-2 video'],
  ['1.2.840.10008.1.2.4.101', 'MPEG-2 video'],
  ['1.2.840.10008.1.2.4.105', 'MPEG-4 video'],
  ['1.2.840.10008.1.2.4.106', 'MPEG-4 video'],
  ['1.2.840.10008.1.2.4.107', 'HEVC video'],
  ['1.2.840.10008.1.2.4.108', 'HEVC video'],
  ['1.2.840.10008.1.2.4.10', 'MPEG-4 video'],
  ['1.2.840.10008.1.2.4.110', 'JPEG XL Lossless'],
  ['1.2.840.10008.1.2.4.111', 'JPEG XL JPEG Recompression'],
  ['1.2.840.10008.1.2.4.112', 'JPEG XL'],
  ['1.2.840.10008.1.2.4.204', 'JPIP HTJ2K Referenced'],
  ['1.2.840.10008.1.2.4.205', 'JPIP HTJ2K Referenced Deflate'],
  ['1.2.840.10008.1.2.6.1', 'RFC 2557 MIME encapsulation, retired'],
  ['1.2.840.10008.1.2.6.2', 'XML encoding, retired'],
  ['1.2.840.10008.1.2.7', 'SMPTE ST 2110 video'],
  ['1.2.840.10008.1.2.8.1', 'Deflated Image Frame Compression'],
  ['1.2.840.113619.5.2', "GE's implicit VR with big-endian pixels, private"],
]

/** @returns null for one that cannot be read */
export function transferSyntax(uid: string): TransferSyntax | null {
  return readable.find((syntax) => syntax.uid === uid) ?? null
}

export function transferSyntaxName(uid: string): string {
  const name =
    transferSyntax(uid)?.name ?? known.find(([start]) => uid === start || uid.startsWith(start))?.[1]
  return name ?? 'private or unknown'
}
