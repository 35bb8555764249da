import { describe, expect, it } from 'vitest'
import { assertImagesFit, filesOf, mostImages, sourceOf } from './source.js'

describe('the images of a sample', () => {
  it('are its own file and those that belong to it', () => {
    expect(sourceOf({ path: 'a' })).toBe('a')
    expect(sourceOf({ path: 'a', also: [] })).toBe('a')
    expect(sourceOf({ path: 'a', also: ['b'] })).toEqual(['a', 'b'])
    expect(filesOf(['', 'b'])).toEqual(['b'])
    expect(filesOf('')).toEqual([])
  })

  it('must be no more than are taken of each sample', () => {
    const samples = [{ path: 'a' }, { path: 'b', also: ['c', ''] }]
    expect(mostImages(samples)).toBe(3)
    expect(() => assertImagesFit(samples, 3, 'x')).not.toThrow()
    expect(() => assertImagesFit(samples, 1, 'set data.images: {}')).toThrow(
      'The data set has samples of 3 images, but only 1 is taken of each: set data.images: 3.',
    )
  })
})
