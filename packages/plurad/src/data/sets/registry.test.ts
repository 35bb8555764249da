import { existsSync } from 'node:fs'
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { DatasetFolder } from '../../../test/dataset-folder.js'
import type { DatasetAdapter } from './adapter.js'
import { CHEXPERT_LABELS } from './chexpert.js'
import { openDataset } from './open.js'
import { lookAt } from './place.js'
import { datasetAdapters } from './registry.js'

const folder = new DatasetFolder()

/** An NPY file of bytes. */
function npy(shape: string, values: readonly number[]): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117).concat('\n')
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
    Buffer.from(header),
    Buffer.from(values),
  ])
}

const chexpertRow = `CheXpert-v1.0/train/patient1/study1/view1_frontal.jpg,Male,50,Frontal,AP${',1'.repeat(14)}`
const nihHeader = 'Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position'

/** The smallest made-up data set of every layout: two images, so that classes and splits differ. */
const layouts: Record<string, Record<string, string | Uint8Array>> = {
  merged: {
    'sets.yaml': 'sets:\n  - { path: a }\n  - { path: b }\n',
    'a/t.csv': 'image,Mass\nx.png,1\n',
    'a/x.png': '',
    'b/t.csv': 'image,Mass\ny.png,0\n',
    'b/y.png': '',
  },
  'nih-google': {
    'google2019_nih-chest-xray-labels.csv': `${nihHeader},Fracture,Pneumothorax,Airspace opacity,Nodule or mass,Set Id\na.png,Mass,1,50,M,PA,NO,NO,YES,NO,test\nb.png,Mass,1,50,M,PA,NO,NO,NO,NO,val\n`,
    'a.png': '',
    'b.png': '',
  },
  nih: {
    'Data_Entry_2017_v2020.csv': `${nihHeader}\na.png,Mass,1,50,M,PA\nb.png,No Finding,2,50,M,PA\n`,
    'images/a.png': '',
    'images/b.png': '',
  },
  chexpert: {
    'train.csv': `Path,Sex,Age,Frontal/Lateral,AP/PA,${CHEXPERT_LABELS.join()}\n${chexpertRow}\n${chexpertRow.replaceAll('1/', '2/')}\n`,
    'valid.csv': `Path,Sex,Age,Frontal/Lateral,AP/PA,${CHEXPERT_LABELS.join()}\n${chexpertRow.replace('train', 'valid')}\n`,
    'train/patient1/study1/view1_frontal.jpg': '',
    'train/patient2/study2/view1_frontal.jpg': '',
    'valid/patient1/study1/view1_frontal.jpg': '',
  },
  'mimic-cxr': {
    'mimic-cxr-2.0.0-chexpert.csv': `subject_id,study_id,${CHEXPERT_LABELS.join()}\n10,50${',1'.repeat(14)}\n`,
    'mimic-cxr-2.0.0-metadata.csv': 'dicom_id,subject_id,study_id,ViewPosition\na,10,50,PA\nb,10,50,LL\n',
    'files/p10/p10/s50/a.jpg': '',
    'files/p10/p10/s50/b.jpg': '',
  },
  'cxr-lt': {
    'nih-cxr-lt_single-label_train.csv':
      'id,Mass,Tortuous Aorta,Pneumomediastinum,Subcutaneous Emphysema,subj_id\na.png,1,0,0,0,1\n',
    'nih-cxr-lt_single-label_test.csv':
      'id,Mass,Tortuous Aorta,Pneumomediastinum,Subcutaneous Emphysema,subj_id\nb.png,1,0,0,0,2\n',
    'a.png': '',
    'b.png': '',
  },
  padchest: {
    'PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv':
      "ImageID,PatientID,Projection,Labels\na.png,1,PA,['mass']\nb.png,1,PA,['normal']\n",
    'a.png': '',
    'b.png': '',
  },
  vindr: {
    'train.csv':
      'image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\na,Mass,1,R1,1,1,2,2\nb,No finding,14,R1,,,,\n',
    'sample_submission.csv': 'image_id,PredictionString\nc,14 1 0 0 1 1\n',
    'train/a.dicom': '',
    'train/b.dicom': '',
  },
  odir: {
    'annotations.csv':
      'ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,N,D,G,C,A,H,M,O\n' +
      '0,69,Female,0_left.jpg,0_right.jpg,cataract,normal fundus,0,0,0,1,0,0,0,0\n',
    'images/0_left.jpg': '',
    'images/0_right.jpg': '',
  },
  rfmid: {
    'train_labels.csv': 'ID,Disease_Risk,DR,MH\n1,1,1,0\n2,1,0,1\n',
    'test_labels.csv': 'ID,Disease_Risk,DR,MH\n1,1,1,0\n',
    'train/1.png': '',
    'train/2.png': '',
    'test/1.png': '',
  },
  competition: {
    'train.csv': 'StudyID,Tube,Line,PatientID\n17,1,0,p1\n18,0,1,p2\n',
    'sample_submission.csv': 'StudyID,Tube,Line\n30,0,0\n',
    'train/17.jpg': '',
    'train/18.jpg': '',
  },
  medmnist: {
    'pneumoniamnist.npz': zipSync(
      Object.fromEntries(
        ['train', 'val', 'test'].flatMap((split) => [
          [`${split}_images.npy`, npy('(2, 2, 2)', [1, 2, 3, 4, 5, 6, 7, 8])],
          [`${split}_labels.npy`, npy('(2, 1)', [0, 1])],
        ]),
      ),
    ),
  },
  folder: { 'Mass/a.png': '', 'Mass/b.png': '', 'Normal/c.png': '' },
  csv: { 'labels.csv': 'image,Mass\na.png,1\nb.png,0\n', 'a.png': '', 'b.png': '' },
}

/** These take what has a certain general shape, and stand after those that know one layout. */
const GENERAL = ['competition', 'folder', 'csv']

it('the general adapter is the last, no name stands twice, and every adapter has a layout here', () => {
  const names = datasetAdapters.map((adapter) => adapter.name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.at(-1)).toBe('csv')
  expect(Object.keys(layouts).sort()).toEqual([...names].sort())
})

describe.each(datasetAdapters.map((adapter) => [adapter.name, adapter] as const))('%s', (name, adapter) => {
  it('says in a line what it takes, and what each setting is', () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(adapter.summary).toMatch(/^.{20,120}$/)
    for (const [key, schema] of Object.entries(adapter.settings.shape)) {
      expect(key).toMatch(/^[a-z][a-z0-9_]*$/)
      expect((schema as z.ZodType).description ?? '', `description of ${key}`).toMatch(/^.{10,250}$/)
    }
  })

  it('recognises its own layout, and none that another knows better', async () => {
    await folder.put(layouts[name])
    const place = await lookAt(folder.path, openDataset)
    expect(await adapter.recognises(place)).toBe(true)
    for (const other of datasetAdapters) {
      if (other === adapter || GENERAL.includes(other.name)) continue
      expect(await other.recognises(place), `${other.name} on the layout of ${name}`).toBe(false)
    }
  })

  it('opens it without being named, and the same again', async () => {
    await folder.put(layouts[name])
    const dataset = await folder.open()
    expect(dataset).toEqual(await folder.open({ adapter: name }))
    expect(dataset.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(dataset.labels.length).toBeGreaterThan(0)
    expect(new Set(dataset.labels).size).toBe(dataset.labels.length)
    expect(new Set(dataset.samples.map(({ image }) => image)).size).toBe(dataset.samples.length)
    expect(dataset.samples.length).toBeGreaterThan(0)
    expect(dataset.skipped).toEqual([])
    for (const { path, labels } of dataset.samples) {
      expect(existsSync(path.replace(/#.*$/, '')), path).toBe(true)
      expect(labels).toHaveLength(dataset.labels.length)
      for (const value of labels) expect([0, 1, null]).toContain(value)
    }
    const chosen = [...dataset.labels].reverse().slice(0, 2)
    expect((await folder.open({}, { labels: chosen })).labels).toEqual(chosen)
  })

  it('refuses a setting that it does not have, and names the nearest', async () => {
    await folder.put(layouts[name])
    const [key] = [...Object.keys(adapter.settings.shape), 'adapter']
    const message = await folder.refusal({ [`${key}x`]: 1 })
    expect(message).toContain(`adapter ${name}`)
    expect(message).toMatch(new RegExp(`${key}x: there is no such key\\. Did you mean "${key}"\\?`))
    expect(message).toMatch(/Known here: .*adapter, images, sheet/)
  })

  it.each(['', 'notes.md'])('refuses a folder of something else when it is named: %j', async (file) => {
    if (file !== '') await folder.put({ [file]: '' })
    expect(await folder.refusal({ adapter: name })).toContain(folder.path)
  })
})

/** What has tables can be counted without its images. */
const withTables = (adapter: DatasetAdapter): boolean =>
  Object.keys(layouts[adapter.name] ?? {}).some((file) => /\.(csv|yaml)$/.test(file))

it.each(datasetAdapters.filter(withTables).map(({ name }) => name))(
  '%s does without images',
  async (name) => {
    await folder.put(layouts[name])
    const { samples } = await folder.open()
    await folder.remove(Object.keys(layouts[name]).filter((file) => /\.(png|jpg|dicom)$/.test(file)))
    const without = await folder.open({}, { requireImages: false })
    expect(without.samples.map(({ labels }) => labels)).toEqual(samples.map(({ labels }) => labels))
  },
)
