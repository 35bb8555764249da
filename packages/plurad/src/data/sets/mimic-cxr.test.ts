import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { columnOf, DatasetFolder } from '../../../test/dataset-folder.js'
import { CHEXPERT_LABELS } from './chexpert.js'

const folder = new DatasetFolder()

const labels = (given: Record<string, string>) => CHEXPERT_LABELS.map((label) => given[label] ?? '').join(',')

const tables = {
  'mimic-cxr-2.0.0-chexpert.csv': [
    `subject_id,study_id,${CHEXPERT_LABELS.join(',')}`,
    `10000001,50000001,${labels({ Edema: '1.0', Pneumonia: '-1.0' })}`,
    `10000001,50000002,${labels({ 'No Finding': '1.0' })}`,
  ].join('\n'),
  'mimic-cxr-2.0.0-negbio.csv': [
    `subject_id,study_id,${CHEXPERT_LABELS.join(',')}`,
    `10000001,50000001,${labels({ Pneumonia: '1.0' })}`,
    `10000001,50000002,${labels({})}`,
  ].join('\n'),
  'mimic-cxr-2.0.0-metadata.csv': [
    'dicom_id,subject_id,study_id,ViewPosition',
    'aa-1,10000001,50000001,PA',
    'aa-2,10000001,50000001,LATERAL',
    'aa-3,10000001,50000002,AP',
    'aa-4,10000002,50000003,AP',
  ].join('\n'),
  'mimic-cxr-2.0.0-split.csv': [
    'dicom_id,study_id,subject_id,split',
    'aa-3,50000002,10000001,validate',
    'aa-1,50000001,10000001,train',
    'aa-2,50000001,10000001,train',
  ].join('\n'),
}

const base = 'files/p10/p10000001'

describe('mimic-cxr', () => {
  it("gives every image its study's labels, and finds DICOM files too", async () => {
    await folder.put({
      ...tables,
      [`${base}/s50000001/aa-1.jpg`]: '',
      [`${base}/s50000001/aa-2.dcm`]: '',
      [`${base}/s50000002/aa-3.jpg`]: '',
    })
    const dataset = await folder.open({ policy: 'u-selftrained' })
    expect(dataset.labels).toEqual(CHEXPERT_LABELS)
    expect(dataset.samples.map(({ image }) => image)).toEqual([
      `${base}/s50000001/aa-1.jpg`,
      `${base}/s50000001/aa-2.jpg`,
      `${base}/s50000002/aa-3.jpg`,
    ])
    expect(dataset.samples[1].path).toBe(join(folder.path, base, 's50000001/aa-2.dcm'))
    expect(dataset.samples.map(({ patient }) => patient)).toEqual(['10000001', '10000001', '10000001'])
    expect(dataset.samples.map(({ split }) => split)).toEqual(['train', 'train', 'val'])
    expect(dataset.samples.map(({ metadata }) => metadata.view)).toEqual(['PA', 'LATERAL', 'AP'])
    expect(columnOf(dataset, 'Edema')).toEqual([1, 1, 0])
    expect(columnOf(dataset, 'Pneumonia')).toEqual([null, null, 0])
    const pneumonia = dataset.labels.indexOf('Pneumonia')
    expect(dataset.uncertain).toEqual([
      [0, pneumonia],
      [1, pneumonia],
    ])
    expect(dataset.skipped).toMatchObject(
      [
        {
          image: 'files/p10/p10000002/s50000003/aa-4.jpg',
          reason: /its study has no row in .*chexpert\.csv/,
        },
      ].map(({ image, reason }) => ({ image, reason: expect.stringMatching(reason) as string })),
    )
  })

  it('takes the other labels, some views, and no split', async () => {
    await folder.put({ ...tables, [`${base}/s50000001/aa-1.jpg`]: '' })
    const settings = { labeler: 'negbio', where: { ViewPosition: ['PA'] }, split: 'none' }
    const dataset = await folder.open(settings, { strict: true })
    expect(dataset.samples.map(({ split }) => split)).toEqual([undefined])
    expect(columnOf(dataset, 'Pneumonia')).toEqual([1])
    const { 'mimic-cxr-2.0.0-negbio.csv': _, ...others } = tables
    expect(Object.keys(others)).toHaveLength(3)
  })

  it('says which table is missing', async () => {
    const { 'mimic-cxr-2.0.0-negbio.csv': _, ...others } = tables
    await folder.put({ ...others, [`${base}/s50000001/aa-1.jpg`]: '' })
    expect(await folder.refusal({ labeler: 'negbio' })).toMatch(/no mimic-cxr-\*-negbio\.csv/)
  })
})
