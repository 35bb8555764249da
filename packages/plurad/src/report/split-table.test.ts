import { describe, expect, it } from 'vitest'
import { DataError } from '../errors.js'
import { summariseSplits } from './split-table.js'

const table = `image,patient,split,Mass,"Nodule, small"
a,1,train,1,1
b,1,train,1,0
c,2,train,1,
d,2,test,0,1
e,,val,,0
`

describe('summariseSplits', () => {
  it('counts images, patients and labels of every split', () => {
    const { labels, splits, sharedPatients } = summariseSplits('split.csv', table)
    expect(labels).toEqual(['Mass', 'Nodule, small'])
    expect(splits).toEqual({
      train: { images: 3, patients: 2, withAny: 3, positives: [3, 1] },
      val: { images: 1, patients: 0, withAny: 0, positives: [0, 0] },
      test: { images: 1, patients: 1, withAny: 1, positives: [0, 1] },
    })
    expect(sharedPatients).toBe(1)
  })

  it('counts labels together, and where the second is known', () => {
    const { together, known } = summariseSplits('split.csv', table)
    // Mass in a, b, c; of these Nodule is present in a, absent in b, unknown in c.
    expect(together).toEqual([
      [3, 1],
      [1, 2],
    ])
    expect(known).toEqual([
      [3, 2],
      [2, 2],
    ])
  })

  it('cannot tell of shared patients where none is named', () => {
    expect(summariseSplits('split.csv', 'image,patient,split,A\na,,train,1\n').sharedPatients).toBeNull()
  })

  it.each([
    ['name,patient,split\n', "row 1 is 'name,patient,split"],
    ['image,patient,split,A\na,1,holdout,1\n', "row 2, column 'split' is 'holdout'"],
    ['image,patient,split,A\na,1,train,2\n', "row 2, column 'A' is '2'"],
    ['image,patient,split,A\na,1,train\n', 'row 2 has 3 cells: expected 4'],
  ])('refuses %j', (text, message) => {
    expect(() => summariseSplits('split.csv', text)).toThrow(DataError)
    expect(() => summariseSplits('split.csv', text)).toThrow(message)
  })
})
