import { describe, expect, it } from 'vitest'
import { decodeText } from './character-sets.js'

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))

describe('names in the character sets of PS3.5', () => {
  it.each([
    // Annex H: Japanese, with ASCII and with half-width katakana first.
    [
      ['', 'ISO 2022 IR 87'],
      'Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B',
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      ['ISO 2022 IR 13', 'ISO 2022 IR 87'],
      '\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J',
      'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
    ],
    // Annex I: Korean, switched to anew in every part.
    [
      ['', 'ISO 2022 IR 149'],
      'Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf',
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    // Annex K: Chinese.
    [
      ['', 'ISO 2022 IR 58'],
      'Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=',
      'Zhang^XiaoDong=张^小东=',
    ],
    [['ISO_IR 100'], 'Buc^J\xe9r\xf4me', 'Buc^Jérôme'],
    [['ISO_IR 144'], '\xbb\xee\xda\x63\x65\xdc\xd1\xe3\xe0\xd3', 'Люкceмбург'],
    [['ISO_IR 192'], 'M\xc3\xbcller', 'Müller'],
    [['ISO 2022 IR 100', 'ISO 2022 IR 144'], 'M\xfcller=\x1b-L\xbb\xee', 'Müller=Лю'],
  ])('%j', (sets, text, expected) => {
    expect(decodeText(bytes(text), sets)).toBe(expected)
  })

  it('of a set or an escape sequence that is not known are not guessed', () => {
    expect(decodeText(bytes('a'), ['ISO_IR 999'])).toBeNull()
    expect(decodeText(bytes('a\x1b$)Zb'), ['', 'ISO 2022 IR 58'])).toBeNull()
  })
})
