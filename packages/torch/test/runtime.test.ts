import { afterAll, describe, expect, test } from 'vitest'
import {
  aten,
  engineInfo,
  EngineError,
  getNumThreads,
  liveTensors,
  ones,
  randn,
  releaseMemory,
  scope,
  setNumThreads,
  useDeterministicAlgorithms,
  zeros,
} from '../src/index.js'

afterAll(() => setNumThreads(1))

describe('the engine', () => {
  test('says what it is', () => {
    const info = engineInfo()
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/)
    expect(info.threads).toBe(getNumThreads())
    expect(info.parallel).toContain('at::get_num_threads()')
    expect(info.cuda).toBe(info.cudaDevices > 0)
  })

  test('uses the threads that it is given', () => {
    for (const count of [1, 2, 3]) {
      setNumThreads(count)
      expect([getNumThreads(), engineInfo().threads]).toEqual([count, count])
    }
    expect(
      scope(() =>
        ones([64, 64])
          .matmul(ones([64, 64]))
          .sum()
          .item(),
      ),
    ).toBe(64 ** 3)
  })

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 32 + 1, 1e9])('refuses %s threads', (count) => {
    const before = getNumThreads()
    expect(() => setNumThreads(count)).toThrow(TypeError)
    expect(() => setNumThreads(count)).toThrow(
      `setNumThreads: expected an integer from 1 to 1024, got ${count}`,
    )
    expect(getNumThreads()).toBe(before)
  })

  test('gives the same bits on every run, and memory back', () => {
    useDeterministicAlgorithms(true)
    const x = scope(() => randn([1, 3, 16, 16]))
    const weight = scope(() => randn([4, 3, 3, 3]))
    const run = (): number[] => scope(() => aten.conv2d.default(x, weight).toFlatArray())
    expect(run()).toEqual(run())
    useDeterministicAlgorithms(false)
    releaseMemory()
    x.dispose()
    weight.dispose()
  })
})

test('more than a million tensors: a message that says what is missing, and the engine goes on', () => {
  setNumThreads(1)
  const before = liveTensors()
  const many = (): void =>
    scope(() => {
      // One operator that makes them all: views, so that they cost little.
      const rows = zeros([2 ** 20 + 1])
      aten.unbind.int(rows)
    })
  expect(many).toThrow(EngineError)
  expect(many).toThrow('more than a million tensors are alive: a scope is missing around the work')
  expect(liveTensors()).toBe(before)
  expect(scope(() => zeros([2]).add(1).sum().item())).toBe(2)
})
