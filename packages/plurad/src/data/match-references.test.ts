import { expect, it } from 'vitest'
import { matchReferences } from './match-references.js'

it.each([
  ['the same name', ['a.png', 'b.png'], ['b.png'], ['b.png']],
  ['without folder or ending', ['0001.dicom'], ['train/0001.png'], ['0001.dicom']],
  [
    'another folder before',
    ['old/p1/view1.jpg', 'old/p2/view1.jpg'],
    ['new/p2/view1.jpg'],
    ['old/p2/view1.jpg'],
  ],
  ['a file that every patient has', ['p1/view1.jpg', 'p2/view1.jpg'], ['p3/view1.jpg'], [null]],
  ['one row for two patients', ['1.png'], ['a/1.png', 'b/1.png'], [null, null]],
  ['one row for two, of which one is meant', ['a/1.png'], ['a/1.png', 'b/1.png'], ['a/1.png', null]],
  ['another file', ['a.png'], ['b.png'], [null]],
])('%s', (_, names, images, expected) => {
  expect(matchReferences(names, images)).toEqual(expected)
})
