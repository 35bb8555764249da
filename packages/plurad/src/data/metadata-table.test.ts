import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DatasetFolder } from '../../test/dataset-folder.js'
import { readMetadata, writeMetadata } from './metadata-table.js'

const folder = new DatasetFolder()

describe('readMetadata', () => {
  it('finds the column of the images by its cells, as they are or by file name', async () => {
    await folder.put({
      'devices.csv': 'Patient,File,Device\n1,scans/a.png,GE\n2,scans/b.png,Siemens\n3,scans/x.png,GE\n',
    })
    const file = join(folder.path, 'devices.csv')
    const table = await readMetadata(file, ['b.png', 'c.png', 'a.png'])
    expect(table.columns).toEqual(['Patient', 'Device'])
    expect(table.cells('Device')).toEqual(['Siemens', '', 'GE'])
    expect((await readMetadata(file, ['scans/b.png'])).cells('Patient')).toEqual(['2'])
    expect(() => table.cells('Divice')).toThrow('no column "Divice"')
  })

  it('refuses a table of other images, showing both', async () => {
    await folder.put({ 'other.csv': 'image,device\nq.png,GE\n' })
    await expect(readMetadata(join(folder.path, 'other.csv'), ['a.png', 'b.png'])).rejects.toThrow(
      /'image' has 0 of 2, such as 'q\.png', where 'a\.png' is looked for/,
    )
  })

  it('reads back what writeMetadata wrote, which names no patient', async () => {
    const file = join(folder.path, 'metadata.csv')
    await writeMetadata(file, [
      { image: 'a.png', metadata: { age: 61, sex: 'F', view: 'PA' } },
      { image: 'b, c.png', metadata: { age: null, sex: null, view: null } },
    ])
    const { columns, cells } = await readMetadata(file, ['b, c.png', 'a.png'])
    expect(columns).toEqual(['age', 'sex', 'view'])
    expect(columns.map(cells)).toEqual([
      ['', '61'],
      ['', 'F'],
      ['', 'PA'],
    ])
  })
})
