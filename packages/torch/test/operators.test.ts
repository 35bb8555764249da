import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { full, grad, liveTensors, ones, operator, Scope, setNumThreads, Tensor } from '../src/index.js'
import { decode, decodeAll, expectReference, readFixture, type Encoded } from './reference.js'

interface MethodCase {
  method: string
  self: Encoded
  arguments: unknown[]
  result: unknown
}

interface OperatorCase {
  operator: string
  overload: string
  arguments: unknown[]
  keywords: Record<string, unknown>
  result: unknown
}

function groupBy<T>(cases: readonly T[], nameOf: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const one of cases) {
    const name = nameOf(one)
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups]
}

const methods = groupBy(readFixture('methods.json') as MethodCase[], (one) => one.method)
const operators = groupBy(
  readFixture('operators.json') as OperatorCase[],
  (one) => `${one.operator}.${one.overload}`,
)

setNumThreads(1)

let surroundings: Scope
let before: number
beforeEach(() => {
  before = liveTensors()
  surroundings = new Scope()
})
afterEach(() => {
  surroundings[Symbol.dispose]()
  expect(liveTensors()).toBe(before)
})

describe('methods of Tensor have the values of PyTorch', () => {
  test.each(methods)('%s', (name, cases) => {
    for (const one of cases) {
      const self = decode(one.self)
      const methods = self as unknown as Record<string, (...args: unknown[]) => unknown>
      const result = methods[name](...(decodeAll(one.arguments) as unknown[]))
      // A trailing underscore means: in place, and the same object back.
      if (name.endsWith('_')) expect(result).toBe(self)
      else expectReference(self, one.self)
      expectReference(result, one.result)
    }
  })

  test('every method is in the fixture or has a test elsewhere', () => {
    const elsewhere =
      'constructor size isContiguous toString item toTypedArray toFlatArray toArray toBytes copyFrom dispose ' +
      'requiresGrad_ backward normal_ uniform_'
    const tested = new Set([...elsewhere.split(' '), ...methods.map(([name]) => name)])
    const untested = Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype))
      .filter(([name, { value }]) => typeof value === 'function' && !tested.has(name))
      .map(([name]) => name)
    expect(untested).toEqual([])
  })
})

describe('operators have the values of torch.ops.aten', () => {
  test.each(operators)('%s', (_name, cases) => {
    for (const one of cases) {
      const args = decodeAll(one.arguments) as unknown[]
      const keywords = decodeAll(one.keywords) as Record<string, unknown>
      const given = Object.keys(keywords).length > 0 ? [...args, keywords] : args
      const result = operator(one.operator, one.overload)(...given)
      if (/[a-z]_$/.test(one.operator)) expect(result).toBe(args[0])
      expectReference(result, one.result)
    }
  })
})

describe('baddbmm with beta 0', () => {
  const dtype = 'float64'
  const batch1 = () => ones([2, 3, 4], { dtype })
  const batch2 = () => ones([2, 4, 3], { dtype })
  const all = (value: number) => new Array<number>(18).fill(value)
  const notANumber = () => full([2, 3, 3], NaN, { dtype })

  test('takes nothing from self nor from what lay in memory', () => {
    const found = new Set<number>()
    for (let i = 0; i < 500; i++) {
      // What is freed here is likely to be the result's memory.
      notANumber().dispose()
      const result = operator('baddbmm', 'default')(notANumber(), batch1(), batch2(), { beta: 0, alpha: 2 })
      for (const value of (result as Tensor).toFlatArray()) found.add(value)
    }
    expect([...found]).toEqual([8])
  })

  test('in place and into a given tensor', () => {
    const self = notANumber()
    expect(operator('baddbmm_', 'default')(self, batch1(), batch2(), { beta: 0 })).toBe(self)
    expect(self.toFlatArray()).toEqual(all(4))
    const out = notANumber()
    expect(operator('baddbmm', 'out')(notANumber(), batch1(), batch2(), { beta: 0, out })).toBe(out)
    expect(out.toFlatArray()).toEqual(all(4))
  })

  test('leaves self as it was where the matrices do not fit', () => {
    const self = full([2, 3, 3], 7, { dtype })
    expect(() => operator('baddbmm_', 'default')(self, batch1(), batch1(), { beta: 0 })).toThrow()
    expect(self.toFlatArray()).toEqual(all(7))
  })

  test('gives self a gradient of zeros', () => {
    const self = full([2, 3, 3], 7, { dtype }).requiresGrad_()
    const left = batch1().requiresGrad_()
    const result = operator('baddbmm', 'default')(self, left, batch2(), { beta: 0 }) as Tensor
    const [ofSelf, ofLeft] = grad(result.sum(), [self, left])
    expect(ofSelf?.toFlatArray()).toEqual(all(0))
    expect(ofLeft?.toFlatArray()).toEqual(new Array(24).fill(3))
  })
})
