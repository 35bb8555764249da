import { describe, expect, it } from 'vitest'
import { frequencyGroup } from './label-groups.js'

/** Images with each label among the 112,120 of ChestX-ray14, as NIH gives them. */
const chestXray14 = {
  Infiltration: 19894,
  Effusion: 13317,
  Atelectasis: 11559,
  Nodule: 6331,
  Mass: 5782,
  Pneumothorax: 5302,
  Consolidation: 4667,
  Pleural_Thickening: 3385,
  Cardiomegaly: 2776,
  Emphysema: 2516,
  Edema: 2303,
  Fibrosis: 1686,
  Pneumonia: 1431,
  Hernia: 227,
}

describe('frequencyGroup', () => {
  it('divides ChestX-ray14 by share into five, eight and one', () => {
    const groups = Object.values(chestXray14).map((positives) => frequencyGroup(positives, 112120))
    expect(groups).toEqual([
      ...new Array<string>(5).fill('head'),
      ...new Array<string>(8).fill('medium'),
      'tail',
    ])
  })

  it('goes by count as CXR-LT does: above 1,000, 100 to 1,000, below 100', () => {
    const groups = [1001, 1000, 100, 99, 1, 0].map((positives) => frequencyGroup(positives, 10, 'count'))
    expect(groups).toEqual(['head', 'medium', 'medium', 'tail', 'tail', 'absent'])
  })

  it('takes the share of known labels, and has a name for labels that no image has', () => {
    expect(frequencyGroup(5, 100)).toBe('head')
    expect(frequencyGroup(1, 100)).toBe('medium')
    expect(frequencyGroup(1, 101)).toBe('tail')
    expect(frequencyGroup(0, 0)).toBe('absent')
  })
})
