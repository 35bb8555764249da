import { describe, expect, it } from 'vitest'
import { UsageError } from '../errors.js'
import { bootstrapChoice } from './bootstrap-flags.js'
import { parseOperatingPoint } from './operating-point.js'

describe('--operating-point', () => {
  it.each([
    ['youden', { rule: 'youden' }],
    ['max_f1', { rule: 'max_f1' }],
    ['sensitivity=0.9', { rule: 'sensitivity', target: 0.9 }],
    ['specificity=.95', { rule: 'specificity', target: 0.95 }],
    ['0.5', { rule: 'fixed', threshold: 0.5 }],
  ])('%s', (text, point) => {
    expect(parseOperatingPoint(text)).toEqual(point)
  })

  it.each(['best', 'sensitivity=1.5', 'sensitivity', 'f1=0.5', '-0.1', '1.2.3', ''])('refuses %j', (text) => {
    expect(() => parseOperatingPoint(text)).toThrow(UsageError)
  })
})

describe('--bootstrap', () => {
  const flags = { interval: 'percentile', level: '0.95', seed: '0' }

  it('is off unless asked for', () => {
    expect(bootstrapChoice('evaluate', flags)).toBeNull()
    expect(bootstrapChoice('evaluate', { ...flags, bootstrap: '2000', interval: 'bca' })).toEqual({
      repetitions: 2000,
      method: 'bca',
      level: 0.95,
      seed: 0,
    })
  })

  it.each([
    { bootstrap: '0' },
    { bootstrap: '1.5' },
    { bootstrap: 'many' },
    { bootstrap: '10', interval: 'wald' },
    { bootstrap: '10', level: '95' },
    { bootstrap: '10', seed: '-1' },
  ])('refuses %j', (changes) => {
    expect(() => bootstrapChoice('evaluate', { ...flags, ...changes })).toThrow(UsageError)
  })
})
