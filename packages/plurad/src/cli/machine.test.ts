import { describe, expect, it } from 'vitest'
import { parseCpuFeatures, parseCpuQuota } from './machine.js'

describe('parseCpuFeatures', () => {
  it('reads the flags of an Intel processor with AMX', () => {
    const text =
      'processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8481C\n' +
      'flags\t\t: fpu sse4_2 avx avx2 avx512f avx512_bf16 amx_bf16 amx_tile amx_int8\nbugs\t\t: spectre_v1\n'
    expect(parseCpuFeatures(text)).toEqual({ avx2: true, avx512: true, avx512_bf16: true, amx: true })
  })

  it('finds none in the flags of an Arm processor, and no feature in a longer name', () => {
    const none = { avx2: false, avx512: false, avx512_bf16: false, amx: false }
    expect(parseCpuFeatures('Features\t: fp asimd evtstrm aes sve\n')).toEqual(none)
    expect(parseCpuFeatures('flags\t: avx avx512vl\n')).toEqual(none)
    expect(parseCpuFeatures('')).toEqual(none)
  })
})

describe('parseCpuQuota', () => {
  it('rounds the granted share up to whole cores', () => {
    expect(parseCpuQuota('150000 100000\n')).toBe(2)
    expect(parseCpuQuota('50000 100000\n')).toBe(1)
    expect(parseCpuQuota('max 100000\n')).toBeNull()
    expect(parseCpuQuota('')).toBeNull()
  })
})
