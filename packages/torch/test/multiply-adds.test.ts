import { expect, test } from 'vitest'
import { aten, countMultiplyAdds, nn, scope, zeros } from '../src/index.js'

const count = (run: () => unknown): number => scope(() => countMultiplyAdds(() => void run()))

test.each<[string, () => unknown, number]>([
  [
    'a convolution with groups',
    () => new nn.Conv2d(4, 6, 3, { groups: 2 }).forward(zeros([2, 4, 5, 5])),
    2 * 6 * 9 * 2 * 9,
  ],
  ['a convolution over a volume', () => new nn.Conv3d(1, 2, 2).forward(zeros([1, 1, 3, 3, 3])), 2 * 8 * 8],
  ['a linear layer', () => new nn.Linear(7, 3).forward(zeros([2, 5, 7])), 2 * 5 * 7 * 3],
  ['products of matrices', () => zeros([2, 3, 4]).matmul(zeros([2, 4, 5])), 2 * 3 * 4 * 5],
  [
    'a product that is added',
    () => aten.addmm.default(zeros([2, 5]), zeros([2, 3]), zeros([3, 5])),
    2 * 3 * 5,
  ],
  [
    'attention',
    () => new nn.MultiheadAttention(8, 2).forward(...self(zeros([1, 3, 8]))),
    4 * 3 * 8 * 8 + 2 * 3 * 3 * 8,
  ],
  ['an LSTM', () => new nn.LSTM(5, 4).forward(zeros([2, 6, 5])), 12 * (16 * 5 + 16 * 4)],
  ['nothing', () => zeros([3]).add(1).relu(), 0],
])('multiply-adds of %s', (_name, run, expected) => {
  expect(count(run)).toBe(expected)
})

function self<T>(x: T): [T, T, T] {
  return [x, x, x]
}

test('counting ends with an error too', () => {
  expect(() =>
    countMultiplyAdds(() => {
      throw new Error('stop')
    }),
  ).toThrow('stop')
  expect(count(() => new nn.Linear(2, 2).forward(zeros([1, 2])))).toBe(4)
})
