/** Unique identifiers that need no registration: 2.25. and a UUID as a decimal number (PS3.5, B.2). */
import { createHash, randomUUID } from 'node:crypto'

export function newUid(): string {
  return uidOf(randomUUID().replaceAll('-', ''))
}

/** The same for the same text: a UUID of version 8 from its SHA-256 (RFC 9562, 5.8). */
export function uidFrom(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex').slice(0, 32).split('')
  digits[12] = '8'
  digits[16] = ((Number.parseInt(digits[16], 16) & 3) | 8).toString(16)
  return uidOf(digits.join(''))
}

function uidOf(hexadecimal: string): string {
  return `2.25.${BigInt(`0x${hexadecimal}`).toString()}`
}
