import { describe, expect, it } from 'vitest'
import { closest, didYouMean, editDistance } from './suggest.js'

describe('editDistance', () => {
  it('equals the textbook distances', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect(editDistance('saturday', 'sunday')).toBe(3)
    expect(editDistance('', 'abc')).toBe(3)
    expect(editDistance('trian', 'train')).toBe(1)
    expect(editDistance('ca', 'abc')).toBe(3)
    expect(editDistance('same', 'same')).toBe(0)
  })
})

describe('closest', () => {
  const labels = ['Effusion', 'Pneumonia', 'Pneumothorax', 'Pleural_Thickening']

  it('finds a misspelt name, whatever its case and punctuation', () => {
    expect(closest('Efusion', labels)).toBe('Effusion')
    expect(closest('pleural thickening', labels)).toBe('Pleural_Thickening')
    expect(closest('Pneumotorax', labels)).toBe('Pneumothorax')
  })

  it('guesses nothing where nothing is near', () => {
    expect(closest('Fracture', labels)).toBeNull()
    expect(closest('x', [])).toBeNull()
    expect(didYouMean('Fracture', labels)).toBe('')
    expect(didYouMean('Efusion', labels)).toBe(' Did you mean "Effusion"?')
  })
})
