import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { columnOf, DatasetFolder } from '../../../test/dataset-folder.js'

const folder = new DatasetFolder()

/** Three radiologists on a: two boxes by R1 of one finding, one by R2; nobody found anything on b. */
const boxes = [
  'image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max',
  'a,Nodule/Mass,8,R1,1,1,2,2',
  'a,Nodule/Mass,8,R1,5,5,6,6',
  'a,Cardiomegaly,3,R1,1,1,9,9',
  'b,No finding,14,R4,,,,',
  'a,Cardiomegaly,3,R2,1,1,9,9',
  'a,No finding,14,R3,,,,',
  'b,No finding,14,R5,,,,',
].join('\n')

describe('vindr', () => {
  it.each([
    ['any', [1, 1, 1], [0, 0, 1]],
    ['majority', [0, 1, 0], [0, 0, 1]],
    ['all', [0, 0, 0], [0, 0, 1]],
  ])('counts votes of boxes: %s', async (votes, a, b) => {
    await folder.put({
      'train.csv': boxes,
      'train/a.dicom': '',
      'train/b.png': '',
      'sample_submission.csv': 'image_id,x\n',
    })
    const dataset = await folder.open({ votes })
    expect(dataset.labels).toEqual(['Nodule/Mass', 'Cardiomegaly', 'No finding'])
    expect(dataset.samples.map(({ image, path }) => [image, path])).toEqual([
      ['a', join(folder.path, 'train/a.dicom')],
      ['b', join(folder.path, 'train/b.png')],
    ])
    expect(dataset.samples.map(({ labels }) => labels)).toEqual([a, b])
  })

  const tables = {
    'annotations/image_labels_train.csv': [
      'image_id,rad_id,Cardiomegaly,Other diseases,No finding',
      'a,R1,1,0,0',
      'a,R2,1,,0',
      'a,R3,0,1,0',
      'b,R1,0,0,1',
    ].join('\n'),
    'annotations/image_labels_test.csv': 'image_id,Cardiomegaly,Other disease,No finding\nc,0,1,0\n',
    'annotations/annotations_train.csv': boxes,
    'train/a.dicom': '',
    'train/b.dicom': '',
    'test/c.dicom': '',
  }

  it('prefers tables with a column a label, and joins train and test', async () => {
    await folder.put(tables)
    const dataset = await folder.open()
    expect(dataset.labels).toEqual(['Cardiomegaly', 'Other diseases', 'No finding'])
    expect(dataset.samples.map(({ image, split }) => [image, split])).toEqual([
      ['a', 'train'],
      ['b', 'train'],
      ['c', 'test'],
    ])
    expect(columnOf(dataset, 'Cardiomegaly')).toEqual([1, 0, 0])
    // R2 did not decide: one of two is not more than half.
    expect(columnOf(dataset, 'Other diseases')).toEqual([0, 0, 1])
    expect(columnOf(await folder.open({ votes: 'any' }), 'Other diseases')).toEqual([1, 0, 1])
  })

  it('merges and chooses labels, each radiologist alone', async () => {
    await folder.put(tables)
    const merge = { Abnormal: ['Cardiomegaly', 'Other diseases'] }
    // R1 and R2 saw the one, R3 the other: all three saw one of them.
    expect(columnOf(await folder.open({ merge, votes: 'all' }), 'Abnormal')).toEqual([1, 0, 1])
    expect((await folder.open({}, { labels: ['No finding'] })).labels).toEqual(['No finding'])
    expect(await folder.refusal({}, { labels: ['No Findings'] })).toMatch(
      /no label "No Findings".*Did you mean "No finding"/,
    )
  })
})
