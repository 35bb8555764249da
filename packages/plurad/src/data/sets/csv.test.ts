import { describe, expect, it } from 'vitest'
import { columnOf, DatasetFolder } from '../../../test/dataset-folder.js'

const folder = new DatasetFolder()

const images = Object.fromEntries(['p1_a', 'p1_b', 'p2_a', 'p3_a'].map((name) => [`${name}.png`, '']))

describe("the general adapter's settings", () => {
  const words = [
    'image,finding,Pleural Effusion,Effusion,view,site',
    'p1_a.png,yes,1,0,PA,1',
    'p1_b.png,NO,0,0,AP,2',
    'p2_a.png,doubtful,-1,,LL,1',
    'p3_a.png,,0,,PA,3',
  ].join('\n')

  it('values: words for present, absent and unknown', async () => {
    await folder.put({ 'labels.csv': words, ...images })
    const values = { yes: 1, no: 0, doubtful: null, '-1': null }
    const dataset = await folder.open({ values })
    expect(dataset.labels).toEqual(['finding', 'Pleural Effusion', 'Effusion'])
    expect(columnOf(dataset, 'finding')).toEqual([1, 0, null, null])
    expect(columnOf(dataset, 'Pleural Effusion')).toEqual([1, 0, null, 0])
    expect(columnOf(await folder.open({ values: { ...values, '': 0 } }), 'finding')).toEqual([1, 0, null, 0])
    expect(await folder.refusal({ values: { yes: 2 } })).toMatch(/values\.yes/)
    expect(await folder.refusal()).toMatch(
      /row 4, column "Pleural Effusion": unknown label value "-1".*values/,
    )
  })

  it('rename and merge: present where one column is, unknown where none decides', async () => {
    await folder.put({ 'labels.csv': words, ...images })
    const given = { values: { '-1': null }, label_columns: ['Pleural Effusion', 'Effusion'] }
    const renamed = await folder.open({ ...given, rename: { 'Pleural Effusion': 'Effusion' } })
    expect(renamed.labels).toEqual(['Effusion'])
    expect(columnOf(renamed, 'Effusion')).toEqual([1, 0, null, null])
    const merged = await folder.open({ ...given, merge: { Fluid: ['Pleural Effusion', 'Effusion'] } })
    expect(columnOf(merged, 'Fluid')).toEqual([1, 0, null, null])
    // The names that are asked for are the new ones.
    const { label_columns: _, ...open } = given
    const chosen = await folder.open(
      { ...open, rename: { 'Pleural Effusion': 'Fluid' } },
      { labels: ['Fluid'] },
    )
    expect(columnOf(chosen, 'Fluid')).toEqual([1, 0, null, 0])
    expect(await folder.refusal({ ...given, rename: { 'Pleural effusion': 'Fluid' } })).toMatch(
      /no such label\. Did you mean "Pleural Effusion"/,
    )
  })

  it('patient_pattern: the patient in the name of the image', async () => {
    await folder.put({ 'labels.csv': words, ...images })
    const given = { label_columns: ['Effusion'] }
    const dataset = await folder.open({ ...given, patient_pattern: '^(p\\d+)_' })
    expect(dataset.samples.map(({ patient }) => patient)).toEqual(['p1', 'p1', 'p2', 'p3'])
    expect(await folder.refusal({ ...given, patient_pattern: '^p[12]' })).toMatch(
      /row 5, column "image": the setting patient_pattern.*"p3_a\.png".*correct the pattern/,
    )
    expect(await folder.refusal({ ...given, patient_pattern: '(' })).toMatch(/patient_pattern: .*group/)
    expect(await folder.refusal({ ...given, patient_pattern: 'p', patient_column: 'site' })).toMatch(
      /not both/,
    )
  })

  it('where: only some rows, by a column or by what it is', async () => {
    await folder.put({ 'labels.csv': words.replace('view', 'ViewPosition'), ...images })
    const given = { label_columns: ['Effusion'] }
    const dataset = await folder.open({ ...given, where: { view: ['PA', 'AP'], site: [1, 2] } })
    expect(dataset.samples.map(({ image }) => image)).toEqual(['p1_a.png', 'p1_b.png'])
    expect(dataset.skipped).toEqual([])
    expect(await folder.refusal({ ...given, where: { site: 4 } })).toMatch(
      /column "site": no row has "4".*"1", "2", "3"/,
    )
    expect(await folder.refusal({ ...given, where: { sit: 1 } })).toMatch(
      /no column "sit".*Did you mean "site"/,
    )
    expect(await folder.refusal({ ...given, where: { view: 'LL', site: 2 } })).toMatch(/no row can be used/)
  })

  it('labels_column: findings listed in one cell', async () => {
    await folder.put({
      'labels.csv': [
        'image,diagnosis',
        'p1_a.png,Mass; pleural effusion',
        'p1_b.png,No finding',
        "p2_a.png,\"['Mass', 'nodule, calcified']\"",
        'p3_a.png,',
      ].join('\n'),
      ...images,
    })
    const dataset = await folder.open({
      labels_column: 'diagnosis',
      separator: [';', '|'],
      rename: { 'pleural effusion': 'Effusion' },
    })
    expect(dataset.labels).toEqual(['Mass', 'nodule, calcified', 'Effusion'])
    expect(dataset.samples.map(({ labels }) => labels)).toEqual([
      [1, 0, 1],
      [0, 0, 0],
      [1, 1, 0],
      [null, null, null],
    ])
    expect((await folder.open({ labels_column: 'diagnosis', separator: ';', at_least: 2 })).labels).toEqual([
      'Mass',
    ])
    expect(
      await folder.refusal({ labels_column: 'diagnosis', separator: ';', merge: { A: ['mass'] } }),
    ).toMatch(/no such label\. Did you mean "Mass"/)
  })

  it('table, sheet and images: which of several, and where from', async () => {
    await folder.put({ 'a.csv': 'image,x\nq,1\n', 'b.csv': 'image,y\np1_a,1\n', 'pictures/p1_a.png': '' })
    expect(await folder.refusal()).toMatch(/2 tables/)
    const dataset = await folder.open({ table: 'b.csv', images: 'pictures' })
    expect(dataset.labels).toEqual(['y'])
    expect(await folder.refusal({ table: 'c.csv' })).toMatch(/c\.csv: no such file/)
    expect(await folder.refusal({ sheet: 3 })).toMatch(/sheet: .*found 3/)
  })

  it('refuses a setting that there is not, with the ones that there are', async () => {
    await folder.put({ 'labels.csv': words, ...images })
    expect(await folder.refusal({ patient_colum: 'x' })).toMatch(
      /adapter csv\):\n {2}patient_colum: there is no such key\. Did you mean "patient_column"\? Known here: table, .*adapter, images, sheet/,
    )
  })
})

describe('rows of one image', () => {
  it.each([
    ['in order', ['1', '2', '3', '3'], /row 5, .*"3" also stands in row 4/],
    ['out of order', ['3', '1', '2', '1'], /row 5, .*"1" also stands in row 3/],
    ['the first again', ['3', '1', '2', '3'], /row 5, .*"3" also stands in row 2/],
  ])('are refused %s', async (_, names, message) => {
    await folder.put({ 'labels.csv': `image,x\n${names.map((name) => `${name},1`).join('\n')}` })
    expect(await folder.refusal({}, { requireImages: false })).toMatch(message)
  })

  it('are none in any order of different ones', async () => {
    const names = ['b', 'a', 'd', 'c', 'e', 'B']
    await folder.put({ 'labels.csv': `image,x\n${names.map((name) => `${name},1`).join('\n')}` })
    const { samples } = await folder.open({}, { requireImages: false })
    expect(samples.map(({ image }) => image)).toEqual(names)
  })
})
