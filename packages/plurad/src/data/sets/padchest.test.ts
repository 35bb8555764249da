import { describe, expect, it } from 'vitest'
import { columnOf, DatasetFolder } from '../../../test/dataset-folder.js'

const folder = new DatasetFolder()

const HEADER =
  ',ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,Projection,MethodLabel,Labels'

const table = [
  HEADER,
  `0,a.png,0,20140915,s1,p1,1926.0,F,PA,Physician,"['pleural effusion', ' nodule ']"`,
  "1,b.png,1,20140916,s2,p2,,M,L,RNN_model,['normal']",
  `2,c.png,1,20140916,s3,p3,1950.0,,AP,Physician,"['unchanged', 'nodule']"`,
  `3,d.png,1,20140916,s4,p4,1950.0,M,PA,Physician,"['exclude', 'nodule']"`,
  '4,e.png,1,20140916,s5,p5,1950.0,M,PA,Physician,',
  '5,f.png,1,20140916,s6,p6,1950.0,M,PA,Physician,[]',
  `6,g.png,1,20140916,s6,p6,1950.0,M,PA,Physician,"[""Kerley's lines"", nan]"`,
].join('\n')

const images = { '0/a.png': '', '1/b.png': '', 'c.png': '', '1/f.png': '', '1/g.png': '' }

describe('padchest', () => {
  it('reads lists of findings, and leaves out what the table excludes or has no labels for', async () => {
    await folder.put({ 'PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv': table, ...images })
    const dataset = await folder.open()
    expect(dataset.labels).toEqual(["Kerley's lines", 'nodule', 'pleural effusion'])
    expect(columnOf(dataset, 'nodule')).toEqual([1, 0, 1, 0, 0])
    expect(columnOf(dataset, 'pleural effusion')).toEqual([1, 0, 0, 0, 0])
    expect(columnOf(dataset, "Kerley's lines")).toEqual([0, 0, 0, 0, 1])
    expect(dataset.samples.map(({ path }) => path.slice(folder.path.length + 1))).toEqual(Object.keys(images))
    expect(dataset.samples.map(({ metadata }) => metadata).slice(0, 3)).toEqual([
      { age: 88, sex: 'F', view: 'PA' },
      { age: null, sex: 'M', view: 'L' },
      { age: 64, sex: null, view: 'AP' },
    ])
    expect(dataset.skipped.map(({ image, reason }) => [image, reason.split(' (')[0]])).toEqual([
      ['d.png', 'marked "exclude" by the table itself'],
      ['e.png', 'no labels'],
    ])
  })

  it('leaves out rare findings, and rows that are not asked for', async () => {
    await folder.put({ 'labels.csv': table, ...images })
    expect((await folder.open({ at_least: 2 })).labels).toEqual(['nodule'])
    const dataset = await folder.open({ where: { MethodLabel: 'Physician', Projection: ['PA', 'AP'] } })
    expect(dataset.samples.map(({ image }) => image)).toEqual(['a.png', 'c.png', 'f.png', 'g.png'])
    // The number of the row in the file, whatever rows are left out before it.
    expect(dataset.skipped[0].reason).toMatch(/row 5\)$/)
  })

  it.each(["['nodule'", "['nodule' 'mass']", "[nodule, 'mass"])('refuses the list %s', async (list) => {
    await folder.put({
      'labels.csv': `${HEADER}\n0,a.png,0,2014,s,p,1926,F,PA,Physician,"${list}"`,
      ...images,
    })
    expect(await folder.refusal()).toMatch(/row 2, column "Labels": .* is no list/)
  })
})
