import { describe, expect, it } from 'vitest'
import { columnOf, DatasetFolder } from '../../../test/dataset-folder.js'

const folder = new DatasetFolder()

const LABELS = ['No Finding', 'Mass', 'Tortuous Aorta', 'Subcutaneous Emphysema', 'Pneumomediastinum']

const nih = (rows: string[]) => [`id,${LABELS.join(',')},subj_id`, ...rows].join('\n')

const tables = {
  'nih-cxr-lt_single-label_train.csv': nih(['1_0.png,0,1,0,0,0,1', '1_1.png,1,0,0,0,0,1']),
  'nih-cxr-lt_single-label_balanced-val.csv': nih(['2_0.png,0,0,1,0,0,2']),
  'nih-cxr-lt_single-label_balanced-test.csv': nih(['3_0.png,0,0,0,1,0,3']),
  'nih-cxr-lt_single-label_test.csv': nih(['3_0.png,0,0,0,1,0,3', '3_1.png,1,0,0,0,0,3']),
}
const images = Object.fromEntries(
  ['1_0', '1_1', '2_0', '3_0', '3_1'].map((name) => [`images/${name}.png`, '']),
)

describe('cxr-lt', () => {
  it('reads NIH-CXR-LT, one table a split', async () => {
    await folder.put({ ...tables, ...images })
    const dataset = await folder.open()
    expect(dataset.labels).toEqual(LABELS)
    expect(dataset.samples.map(({ image, split, patient }) => [image, split, patient])).toEqual([
      ['1_0.png', 'train', '1'],
      ['1_1.png', 'train', '1'],
      ['2_0.png', 'val', '2'],
      ['3_0.png', 'test', '3'],
      ['3_1.png', 'test', '3'],
    ])
    expect(columnOf(dataset, 'Mass')).toEqual([1, 0, 0, 0, 0])
    expect((await folder.open({ test: 'balanced' })).samples).toHaveLength(4)
  })

  it('opens one of the tables', async () => {
    await folder.put({ ...tables, ...images })
    const dataset = await folder.open({}, {}, 'nih-cxr-lt_single-label_test.csv')
    expect(dataset.samples.map(({ split }) => split)).toEqual([undefined, undefined])
  })

  it('reads the tables of a challenge, with paths and views', async () => {
    const header = `dicom_id,subject_id,study_id,ViewPosition,fpath,${LABELS.join(',')}`
    await folder.put({
      'train.csv': `${header}\na,10,50,AP,files/p10/p10/s50/a.jpg,0.0,1.0,0,0,0`,
      'development.csv': `${header}\nb,11,51,PA,files/p11/p11/s51/b.jpg,1,0,0,0,0`,
      'files/p10/p10/s50/a.jpg': '',
      'files/p11/p11/s51/b.jpg': '',
    })
    const dataset = await folder.open()
    expect(dataset.labels).toEqual(LABELS)
    expect(dataset.samples).toMatchObject([
      { image: 'files/p10/p10/s50/a.jpg', patient: '10', split: 'train', metadata: { view: 'AP' } },
      { image: 'files/p11/p11/s51/b.jpg', patient: '11', split: 'val', metadata: { view: 'PA' } },
    ])
  })

  it.each([
    [
      { 'mimic-cxr-lt_train.csv': nih(['x,0,0,0,0,0,9']) },
      /2 tables for train, "mimic-cxr-lt_train\.csv", "nih-/,
    ],
    [{ 'more.csv': nih(['x,0,0,0,0,0,9']) }, /the name of more\.csv does not say/],
    [
      { 'nih-cxr-lt_single-label_train.csv': nih(['2_0.png,0,0,1,0,0,2']) },
      /"2_0\.png" stands in two of its tables/,
    ],
    [
      { 'nih-cxr-lt_single-label_train.csv': nih(['1_0.png,0,1,0,0,0,1']).replace('Mass', 'Mas') },
      /have different labels/,
    ],
  ])('refuses %#', async (more, message) => {
    await folder.put({ ...tables, ...images, ...more })
    expect(await folder.refusal()).toMatch(message)
  })
})
