import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  aten,
  empty,
  EngineError,
  full,
  Generator,
  getRandomState,
  manualSeed,
  ones,
  rand,
  randint,
  randn,
  randperm,
  Scope,
  setNumThreads,
  setRandomState,
  tensor,
  type Tensor,
} from '../src/index.js'
import { settle } from './garbage.js'
import { expectReference, readFixture, type Encoded } from './reference.js'

setNumThreads(1)

let surroundings: Scope
beforeEach(() => {
  surroundings = new Scope()
})
afterEach(() => surroundings[Symbol.dispose]())

/** The calls of make_random.py, in its order: they share one stream. */
const draws: Record<string, (generator?: Generator) => Tensor> = {
  randn: (g) => randn([5], given(g)),
  rand: (g) => rand([2, 3], given(g)),
  randperm: (g) => randperm(12, given(g)),
  randint: (g) => randint(-5, 90, [8], given(g)),
  'randn float64': (g) => randn([3], { dtype: 'float64', ...given(g) }),
  'rand float64': (g) => rand([3], { dtype: 'float64', ...given(g) }),
  'randn of many': (g) => randn([24], given(g)),
  uniform_: (g) => empty([4]).uniform_(-2, 3, g ?? null),
  normal_: (g) => empty([4], { dtype: 'float64' }).normal_(10, 0.5, g ?? null),
  bernoulli: (g) => aten.bernoulli.default(full([12], 0.3), { generator: g ?? null }),
  multinomial: (g) =>
    aten.multinomial.default(tensor([0.1, 0.4, 0.2, 0.3]), 6, true, { generator: g ?? null }),
  dropout: () => aten.dropout.default(ones([10]), 0.4, true),
}

function given(generator: Generator | undefined): { generator?: Generator } {
  return generator ? { generator } : {}
}

describe('streams of PyTorch', () => {
  const reference = readFixture('random.json') as Record<string, Record<string, Encoded>>
  test.each(Object.entries(reference))('%s', (source, expected) => {
    const seed = Number(source.split(' ')[1])
    const generator = source.startsWith('generator') ? new Generator(seed) : undefined
    if (!generator) manualSeed(seed)
    for (const [name, values] of Object.entries(expected)) expectReference(draws[name](generator), values)
  })
})

describe('Generator', () => {
  test('is independent of the default stream and of other generators', () => {
    manualSeed(1)
    const alone = rand([4]).toFlatArray()
    manualSeed(1)
    const [a, b] = [new Generator(1), new Generator(2)]
    const fromA = rand([4], { generator: a }).toFlatArray()
    rand([10], { generator: b })
    expect(rand([4]).toFlatArray()).toEqual(alone)
    expect(fromA).toEqual(alone)
    expect(rand([4], { generator: b }).toFlatArray()).not.toEqual(alone)
  })

  test('gives its state and continues from one', () => {
    const generator = new Generator(5)
    randn([3], { generator })
    const state = generator.getState()
    const next = randn([20], { generator }).toFlatArray()
    generator.setState(state)
    expect(randn([20], { generator }).toFlatArray()).toEqual(next)
    const other = new Generator(99)
    other.setState(state)
    expect(randn([20], { generator: other }).toFlatArray()).toEqual(next)
  })

  test('is freed with its object, and its place used again', async () => {
    const made = Array.from({ length: 500 }, (_, i) => new Generator(i).handle)
    await settle()
    const again = new Generator(9)
    expect(again.handle).toBeLessThan(Math.max(...made))
    expect(rand([4], { generator: again }).toFlatArray()).toEqual(
      rand([4], { generator: new Generator(9) }).toFlatArray(),
    )
  })

  test('fills in place', () => {
    const one = empty([50]).uniform_(2, 3, new Generator(4)).toFlatArray()
    expect(one.every((value) => value >= 2 && value < 3)).toBe(true)
    expect(empty([50]).uniform_(2, 3, new Generator(4)).toFlatArray()).toEqual(one)
  })
})

describe('the default stream', () => {
  test('continues from a stored state, in the middle of a pair of normal numbers too', () => {
    manualSeed(8)
    // Normal numbers are made in pairs: after an odd count, one waits in the state.
    randn([], { dtype: 'float64' })
    const state = getRandomState()
    const expected = [randn([5]).toFlatArray(), randperm(20).toFlatArray()]
    manualSeed(1234)
    rand([100])
    setRandomState(state)
    expect([randn([5]).toFlatArray(), randperm(20).toFlatArray()]).toEqual(expected)
  })

  test('refuses what is no state', () => {
    expect(() => setRandomState(new Uint8Array(10))).toThrow(EngineError)
    expect(() => new Generator(1).setState(new Uint8Array(0))).toThrow(/^setState: /)
  })
})

test.each([-1, 1.5, NaN, 2 ** 53])('the seed %s is refused', (seed) => {
  expect(() => manualSeed(seed)).toThrow('manualSeed: expected a non-negative safe integer')
  expect(() => new Generator(seed)).toThrow('Generator: expected a non-negative safe integer')
})
