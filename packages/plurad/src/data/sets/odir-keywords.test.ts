import { describe, expect, it } from 'vitest'
import {
  classesOf,
  combineEyes,
  findingsOf,
  ODIR_LABELS,
  parseKeywords,
  saysNothing,
} from './odir-keywords.js'

const letters = (text: string): string => {
  const values = classesOf(parseKeywords(text))
  return values.includes(null) ? '?' : ODIR_LABELS.filter((_, index) => values[index] === 1).join('')
}

describe('keywords of an eye', () => {
  it('are separated by plain and full-width commas, with spaces, capitals and repeats', () => {
    expect(parseKeywords('laser spot，moderate non proliferative  retinopathy, Laser Spot ,')).toEqual([
      'laser spot',
      'moderate non proliferative retinopathy',
    ])
    expect(parseKeywords('')).toEqual([])
  })

  it.each([
    ['normal fundus', 'N'],
    ['lens dust，normal fundus', 'N'],
    ['mild nonproliferative retinopathy', 'D'],
    ['severe proliferative diabetic retinopathy', 'D'],
    ['suspected glaucoma', 'G'],
    ['cataract', 'C'],
    ['wet age-related macular degeneration', 'A'],
    ['hypertensive retinopathy', 'H'],
    ['myopia retinopathy', 'M'],
    ['retinitis pigmentosa', 'O'],
    ['laser spot，moderate non proliferative retinopathy', 'DO'],
    ['diabetic retinopathy，dry age-related macular degeneration，myopic maculopathy', 'DAM'],
    ['normal fundus，epiretinal membrane', 'O'],
    ['low image quality，maculopathy', 'O'],
    ['low image quality', '?'],
    ['lens dust', '?'],
    ['anterior segment image，image offset', '?'],
  ])('%j are of the classes %s', (text, expected) => {
    expect(letters(text)).toBe(expected)
    expect(saysNothing(parseKeywords(text))).toBe(expected === '?')
  })

  it('name findings: different words for one are one, a suspicion is its own and leaves the other unknown', () => {
    const found = (text: string) => [...findingsOf(parseKeywords(text))]
    expect(found('post laser photocoagulation，laser spot')).toEqual([['laser spot', 1]])
    expect(found('epiretinal membrane over the macula')).toEqual([['macular epiretinal membrane', 1]])
    expect(found('suspicious diabetic retinopathy')).toEqual([
      ['suspected diabetic retinopathy', 1],
      ['diabetic retinopathy', null],
    ])
    expect(found('suspected cataract，cataract')).toEqual([
      ['suspected cataract', 1],
      ['cataract', 1],
    ])
  })
})

describe('two eyes', () => {
  it('have what either has, and are normal only where both are', () => {
    const eyes = [classesOf(['normal fundus']), classesOf(['cataract', 'drusen'])]
    expect(combineEyes(eyes, 0)).toEqual([0, 0, 0, 1, 0, 0, 0, 1])
    expect(combineEyes([classesOf(['normal fundus']), classesOf(['normal fundus'])], 0)[0]).toBe(1)
  })

  it('leave unknown what depends on an unknown value', () => {
    expect(
      combineEyes(
        [
          [null, 1, null],
          [1, null, 0],
        ],
        0,
      ),
    ).toEqual([null, 1, null])
    expect(
      combineEyes(
        [
          [null, null],
          [0, 1],
        ],
        0,
      ),
    ).toEqual([0, 1])
  })
})
