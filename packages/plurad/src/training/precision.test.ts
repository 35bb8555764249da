import { expect, test } from 'vitest'
import { RecipeError } from '../errors.js'
import { choosePrecision, processorComputesBfloat16 } from './precision.js'

test('bfloat16 is chosen where the processor has it, and not for a feature that only resembles it', () => {
  expect(processorComputesBfloat16('flags : fpu avx2 avx512f avx512_bf16')).toBe(true)
  expect(processorComputesBfloat16('flags : fpu amx_bf16 amx_tile')).toBe(true)
  expect(processorComputesBfloat16('Features : fp asimd bf16')).toBe(true)
  expect(processorComputesBfloat16('flags : fpu avx2 avx512f')).toBe(false)
  expect(processorComputesBfloat16('')).toBe(false)
})

test('what is asked for is taken, float16 on a processor refused', () => {
  expect(choosePrecision('float32', 'cpu')).toEqual({ dtype: 'float32', channelsLast: false })
  expect(choosePrecision('bfloat16', 'cpu')).toEqual({ dtype: 'bfloat16', channelsLast: true })
  expect(choosePrecision('auto', 'cuda:0')).toEqual({ dtype: 'bfloat16', channelsLast: true })
  expect(choosePrecision('float16', 'cuda:0').dtype).toBe('float16')
  expect(() => choosePrecision('float16', 'cpu')).toThrow(RecipeError)
})
