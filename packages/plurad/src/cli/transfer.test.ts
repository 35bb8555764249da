import { describe, expect, it } from 'vitest'
import { transferText, TransferRate } from './transfer.js'

/** A clock that is set by hand, milliseconds. */
function clocked() {
  let now = 0
  const rate = new TransferRate(() => now)
  return {
    rate,
    at: (milliseconds: number, bytes: number) => {
      now = milliseconds
      rate.add(bytes)
    },
  }
}

describe('TransferRate', () => {
  it('knows nothing until time has passed', () => {
    const { rate, at } = clocked()
    expect(rate.bytesPerSecond).toBe(0)
    at(0, 5e6)
    expect(rate.bytesPerSecond).toBe(0)
  })

  it('leaves out what was there before, and forgets what is long ago', () => {
    const { rate, at } = clocked()
    // 1 MB/s for a minute upon 100 MB that were there, then 4 MB/s for half a minute.
    for (let second = 0; second <= 60; second++) at(second * 1000, 100e6 + second * 1e6)
    expect(rate.bytesPerSecond).toBeCloseTo(1e6, 0)
    for (let second = 1; second <= 30; second++) at(60_000 + second * 1000, 160e6 + second * 4e6)
    expect(rate.bytesPerSecond).toBeCloseTo(4e6, 0)
  })

  it('is the same for many small pieces', () => {
    const { rate, at } = clocked()
    for (let piece = 0; piece <= 20_000; piece++) at(piece, piece * 1000)
    expect(rate.bytesPerSecond / 1e6).toBeCloseTo(1, 2)
  })

  it('begins anew with a transfer that does', () => {
    const { rate, at } = clocked()
    at(0, 0)
    at(1000, 9e6)
    at(2000, 1e6)
    at(3000, 3e6)
    expect(rate.bytesPerSecond).toBe(2e6)
  })
})

describe('transferText', () => {
  it('says how much, how fast, how long still', () => {
    const { rate, at } = clocked()
    expect(transferText(0, 88e6, rate)).toBe('0 bytes of 88 MB')
    at(0, 0)
    at(2000, 20e6)
    expect(transferText(20e6, 3.89e9, rate)).toBe('20 MB of 3.9 GB, 10 MB/s, 6:27 left')
    expect(transferText(20e6, null, rate)).toBe('20 MB, 10 MB/s')
  })
})
