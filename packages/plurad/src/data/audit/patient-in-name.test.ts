import { describe, expect, it } from 'vitest'
import { patientInName } from './patient-in-name.js'

describe('patientInName', () => {
  it.each([
    ['00000013_005.png', '00000013'],
    ['train/Mass/00000013_005.png', '00000013'],
    ['CheXpert-v1.0-small/train/patient00017/study2/view1_frontal.jpg', 'patient00017'],
    ['files\\p10\\p10000032\\s50414267\\02aa804e.dcm', 'p10000032'],
    ['test/PNEUMONIA/person100_bacteria_475.jpeg', 'person100_bacteria'],
    ['train/NORMAL/NORMAL-1003233-0001.jpeg', 'NORMAL-1003233'],
    ['17_left.jpg', '17'],
  ])('of %s is %s', (name, patient) => {
    expect(patientInName(name)).toBe(patient)
  })

  it.each([
    '17.png',
    'train/mass/7_2.png',
    'IM-0115-0001.jpeg',
    '20240101_001.png',
    'p10/x.png',
    'scan_12345678.png',
  ])('is not guessed from %s', (name) => {
    expect(patientInName(name)).toBeNull()
  })
})
