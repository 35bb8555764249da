import { describe, expect, it } from 'vitest'
import { columnOf, DatasetFolder } from '../../../test/dataset-folder.js'
import type { Dataset, LabelValue, Split } from '../dataset.js'
import { assertPatientDisjoint } from '../split.js'
import { mergeDatasets } from './merge.js'
import { findingKey } from './synonyms.js'

const folder = new DatasetFolder()

function setOf(
  name: string,
  labels: string[],
  rows: [image: string, values: LabelValue[], split?: Split][],
): Dataset {
  return {
    name,
    labels,
    fingerprint: name,
    skipped: [{ image: 'gone', reason: 'no such file' }],
    samples: rows.map(([image, values, split]) => ({
      image,
      path: `/${name}/${image}`,
      patient: image.slice(0, 1),
      labels: values,
      metadata: { age: null, sex: null, view: null },
      split,
    })),
  }
}

const one = setOf(
  'one',
  ['Effusion', 'Mass', 'Hernia'],
  [
    ['1a', [1, 0, 0], 'train'],
    ['2a', [0, 1, null], 'test'],
  ],
)
const two = setOf(
  'two',
  ['pleural effusion', 'Pleural_Effusion', 'Pneumonia'],
  [
    ['1a', [0, 0, 1], 'train'],
    ['3a', [0, 1, 0], 'val'],
    ['4a', [null, 0, 0], 'test'],
  ],
)

describe('mergeDatasets', () => {
  it('matches labels by name; a label that a set does not have is unknown', () => {
    const merged = mergeDatasets('both', [one, two])
    expect(merged.labels).toEqual(['Effusion', 'Mass', 'Hernia', 'Pneumonia'])
    expect(merged.samples.map(({ labels }) => labels)).toEqual([
      [1, 0, 0, null],
      [0, 1, null, null],
      [0, null, null, 1],
      [1, null, null, 0],
      [null, null, null, 0],
    ])
    expect(merged.samples.map(({ image }) => image)).toEqual([
      'one/1a',
      'one/2a',
      'two/1a',
      'two/3a',
      'two/4a',
    ])
    expect(merged.samples.map(({ path }) => path)).toEqual([
      '/one/1a',
      '/one/2a',
      '/two/1a',
      '/two/3a',
      '/two/4a',
    ])
    expect(merged.skipped.map(({ image }) => image)).toEqual(['one/gone', 'two/gone'])
  })

  it('keeps patients of different sets apart, and the splits where all have one', () => {
    const merged = mergeDatasets('both', [one, setOf('two', ['Mass'], [['1a', [1], 'test']])])
    expect(merged.samples.map(({ patient }) => patient)).toEqual(['one/1', 'one/2', 'two/1'])
    const assignment = merged.samples.map(({ split }) => split ?? 'val')
    expect(assignment).toEqual(['train', 'test', 'test'])
    expect(() => assertPatientDisjoint(merged.samples, assignment)).not.toThrow()
    expect(merged.notes).toBeUndefined()
  })

  it('drops a split that not every set gives, and says so; or keeps it', () => {
    const without = setOf('without', ['Mass'], [['1a', [1]]])
    const merged = mergeDatasets('both', [one, without])
    expect(merged.samples.map(({ split }) => split)).toEqual([undefined, undefined, undefined])
    expect(merged.notes).toEqual([expect.stringMatching(/^The split of one is not used/)])
    const kept = mergeDatasets('both', [one, without], { split: 'keep' })
    expect(kept.samples.map(({ split }) => split)).toEqual(['train', 'test', undefined])
    const none = mergeDatasets('both', [one, two], { split: 'none' })
    expect(none.samples.some(({ split }) => split !== undefined)).toBe(false)
    expect(none.notes).toBeUndefined()
  })

  it('takes shared labels, or a list in its order and words', () => {
    expect(mergeDatasets('both', [one, two], { labels: 'intersection' }).labels).toEqual(['Effusion'])
    const listed = mergeDatasets('both', [one, two], { labels: ['Pneumonia', 'Pleural Effusion'] })
    expect(listed.labels).toEqual(['Pneumonia', 'Pleural Effusion'])
    expect(columnOf(listed, 'Pleural Effusion')).toEqual([1, 0, 0, 1, null])
    expect(() => mergeDatasets('both', [one, two], { labels: ['Efusion'] })).toThrow(
      /both: no set has the label "Efusion".*Did you mean "Effusion"/,
    )
    expect(() => mergeDatasets('both', [one, one])).toThrow(/two sets are called "one"/)
    const apart = setOf('apart', ['Scoliosis'], [['1a', [1]]])
    expect(() => mergeDatasets('both', [one, apart], { labels: 'intersection' })).toThrow(
      /no label in common/,
    )
  })

  it('carries uncertain values along', () => {
    const uncertain = { ...two, uncertain: [[2, 0]] as const }
    const merged = mergeDatasets('both', [one, uncertain])
    expect(merged.uncertain).toEqual([[4, 0]])
  })

  it('knows other words for a finding, and does not take a wider one for it', () => {
    for (const [a, b] of [
      ['Pleural_Thickening', 'pleural thickening'],
      ['Pleural Effusion', 'Effusion'],
      ['No finding', 'normal'],
      ['Nodule/Mass', 'Nodule or mass'],
      ['Pulmonary fibrosis', 'Fibrosis'],
    ])
      expect(findingKey(a), a).toBe(findingKey(b))
    for (const [a, b] of [
      ['Nodule', 'Nodule/Mass'],
      ['Emphysema', 'Subcutaneous Emphysema'],
      ['Pneumonia', 'Lung Opacity'],
    ])
      expect(findingKey(a), a).not.toBe(findingKey(b))
  })
})

describe('a list of sets', () => {
  const nih =
    'Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position\na.png,Effusion|Mass,1,50,M,PA\n'
  const files = {
    'x/nih/Data_Entry_2017.csv': nih,
    'x/nih/images/a.png': '',
    'x/nih/test_list.txt': 'a.png\n',
    'x/clinic/labels.csv': 'file,who,pleural effusion\nb.png,1,yes\n',
    'x/clinic/pictures/b.png': '',
  }
  const clinic =
    '  - { path: clinic, adapter: csv, images: pictures, patient_column: who, label_columns: [pleural effusion], values: {yes: 1} }\n'

  it('opens each set with its own settings', async () => {
    await folder.put({
      ...files,
      'x/sets.yaml': `sets:\n  - { path: nih, name: public, split: official }\n${clinic}`,
    })
    for (const place of ['x', 'x/sets.yaml']) {
      const dataset = await folder.open({ labels: ['Effusion', 'Mass'] }, {}, place)
      expect(dataset.samples).toMatchObject([
        { image: 'public/a.png', patient: 'public/1', labels: [1, 1], split: undefined },
        { image: 'clinic/b.png', patient: 'clinic/1', labels: [1, null] },
      ])
      expect(dataset.name).toBe(place === 'x' ? 'x' : 'sets')
    }
    const kept = await folder.open({ split: 'keep' }, { labels: ['Pleural Effusion'] }, 'x')
    expect(kept.labels).toEqual(['Pleural Effusion'])
    expect(kept.samples.map(({ split }) => split)).toEqual(['test', undefined])
  })

  it.each([
    [
      'set:\n  - { path: nih }\n',
      /sets\.yaml: expected a list[^]*set: there is no such key\. Did you mean "sets"/,
    ],
    [
      'sets:\n  - { path: nih, splt: none }\n',
      /adapter nih[^]*splt: there is no such key\. Did you mean "split"/,
    ],
    ['sets:\n  - { path: sets.yaml }\n', /sets\.yaml is itself a list/],
    ['sets: [', /sets\.yaml is not YAML/],
    ['sets:\n  - { path: elsewhere }\n', /elsewhere: no such file or folder/],
  ])('refuses %j', async (list, message) => {
    await folder.put({ ...files, 'x/sets.yaml': list })
    expect(await folder.refusal({}, {}, 'x')).toMatch(message)
  })
})
