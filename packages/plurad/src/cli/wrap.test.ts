import { describe, expect, it } from 'vitest'
import { wrapped } from './wrap.js'

describe('wrapped', () => {
  it('keeps every word, and lines within 100 columns', () => {
    const text = Array.from({ length: 60 }, (_, i) => 'x'.repeat((i * 7) % 23 || 1)).join(' ')
    const lines = wrapped(text, '    ', 'Cite  ')
    expect(
      lines.every((line, i) => line.startsWith(i === 0 ? 'Cite  x' : '    x') && line.length <= 100),
    ).toBe(true)
    expect(lines.map((line) => line.slice(line.indexOf('x'))).join(' ')).toBe(text)
  })

  it('gives a word that is longer a line of its own', () => {
    const long = 'y'.repeat(120)
    expect(wrapped(`a ${long} b`, '  ')).toEqual(['a', `  ${long}`, '  b'])
  })
})
