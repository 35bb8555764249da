import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DataError } from '../../../errors.js'
import type { WindowChoice } from '../../preprocessing.js'
import { decodeImage, decodeImageBytes } from '../decode.js'
import { readVolume } from './volume.js'

interface Expected {
  shape: number[]
  spacing: number[]
  affine: number[][]
  /** Of each volume the values, [z, y, x]. */
  volumes: number[][]
}

/** Made by make_nifti.py: what nibabel reads from the same files, brought to its closest canonical orientation. */
const fixtures = fileURLToPath(new URL('../../../../test/fixtures/nifti/', import.meta.url))
const { 'rgb.nii.gz': rgb, ...expected } = JSON.parse(
  readFileSync(join(fixtures, 'nifti.json'), 'utf8'),
) as Record<string, Expected> & { 'rgb.nii.gz': { picture: number[] } }
const file = (name: string) => join(fixtures, 'files', name)
const bytesOf = (name: string) => readFileSync(file(name))

/** Public volumes that are not part of the project. */
const data = resolve(process.env.PLURAD_DATA ?? '../shared/data', 'nifti')
const orientations = ['RAS', 'LAS', 'LPS', 'PIR', 'RSA', 'AIL']

async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DataError)
  return (error as Error).message
}

const closeTo = (actual: readonly number[], wanted: readonly number[]) => {
  expect(actual).toHaveLength(wanted.length)
  const worst = wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - actual[at])), 0)
  expect(worst).toBeLessThan(1e-4)
}

/** An axial slice as it is shown: from front to back, from right to left. */
function axial(values: readonly number[], shape: readonly number[], slice: number): number[] {
  const [, height, width] = shape
  const plane = values.slice(slice * height * width, (slice + 1) * height * width)
  return plane.reverse()
}

/** The formula of the documentation. */
function windowed(values: readonly number[], low: number, high: number): number[] {
  return values.map((value) =>
    Math.floor(Math.min(1, Math.max(0, (value - low) / (high - low))) * 65535 + 0.5),
  )
}

describe('readVolume', () => {
  it.each(Object.keys(expected))('reads %s as nibabel does', (name) => {
    const { shape, spacing, affine, volumes } = expected[name]
    volumes.forEach((values, index) => {
      const volume = readVolume(bytesOf(name), index)
      expect(volume.shape).toEqual(shape)
      closeTo(volume.spacing, spacing)
      closeTo(volume.affine.flat(), affine.flat())
      // Floats of the same doubles: equal, not close.
      expect(Array.from(volume.data)).toEqual(values)
    })
  })

  it('reads what lies at an odd place in memory', () => {
    const bytes = bytesOf('f8.nii')
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect(readVolume(shifted.subarray(1))).toEqual(readVolume(bytes))
  })

  it('leaves the bytes it is given as they are', () => {
    const bytes = gunzipSync(bytesOf('i4-big-endian.nii.gz'))
    const before = Uint8Array.from(bytes)
    readVolume(bytes)
    expect(Uint8Array.from(bytes)).toEqual(before)
  })

  it('refuses colours and volumes that are not there', () => {
    expect(() => readVolume(bytesOf('rgb.nii.gz'))).toThrow('colours')
    expect(() => readVolume(bytesOf('series.nii.gz'), 2)).toThrow('volume 2 was asked for, but it has 2')
  })
})

describe('the picture of a slice', () => {
  const picture = async (reference: string, window: WindowChoice = 'file') =>
    decodeImage(file(reference), window)

  it.each(Object.keys(expected).filter((name) => name.startsWith('axes-')))(
    'is the same however the axes are stored: %s',
    async (name) => {
      expect(await picture(name)).toEqual(await picture('axes-RAS.nii.gz'))
      expect(await picture(`${name}#coronal/1`)).toEqual(await picture('axes-RAS.nii.gz#coronal/1'))
      expect(await picture(`${name}#sagittal`)).toEqual(await picture('axes-RAS.nii.gz#sagittal'))
    },
  )

  it('is axial, the middle slice, right on the left and front up', async () => {
    const { shape, volumes } = expected['axes-RAS.nii.gz']
    const image = await picture('axes-PIR.nii.gz')
    expect(image).toMatchObject({ width: shape[2], height: shape[1], channels: 1, maxValue: 65535 })
    const all = volumes[0]
    expect(Array.from(image.data)).toEqual(
      windowed(axial(all, shape, Math.floor(shape[0] / 2)), Math.min(...all), Math.max(...all)),
    )
  })

  it('can be of another plane, with the head up', async () => {
    const { shape, volumes } = expected['axes-RAS.nii.gz']
    const [depth, height, width] = shape
    const at = (z: number, y: number, x: number) => volumes[0][(z * height + y) * width + x]
    const high = Math.max(...volumes[0])
    const low = Math.min(...volumes[0])
    const coronal = await picture('axes-AIL.nii.gz#coronal/1')
    expect([coronal.width, coronal.height]).toEqual([width, depth])
    expect(coronal.data[0]).toBe(windowed([at(depth - 1, 1, width - 1)], low, high)[0])
    expect(coronal.data[1]).toBe(windowed([at(depth - 1, 1, width - 2)], low, high)[0])
    const sagittal = await picture('axes-AIL.nii.gz#sagittal/3')
    expect([sagittal.width, sagittal.height]).toEqual([height, depth])
    expect(sagittal.data[0]).toBe(windowed([at(depth - 1, height - 1, 3)], low, high)[0])
    expect(sagittal.data[height]).toBe(windowed([at(depth - 2, height - 1, 3)], low, high)[0])
  })

  it('is of the slice and the volume that were asked for', async () => {
    const { shape, volumes } = expected['series.nii.gz']
    for (const volume of [0, 1]) {
      for (let slice = 0; slice < shape[0]; slice++) {
        const image = await picture(`series.nii.gz#${volume}/${slice}`)
        const all = volumes[volume]
        expect(Array.from(image.data)).toEqual(
          windowed(axial(all, shape, slice), Math.min(...all), Math.max(...all)),
        )
      }
    }
    expect(await picture('series.nii.gz#2')).toEqual(await picture('series.nii.gz#0/2'))
  })

  it('spans the display range of the file, else its values, or the window that is chosen', async () => {
    const { shape, volumes } = expected['display.nii']
    const slice = axial(volumes[0], shape, 1)
    const wanted = async (window: WindowChoice, low: number, high: number) => {
      expect(Array.from((await picture('display.nii', window)).data)).toEqual(windowed(slice, low, high))
    }
    await wanted('file', 1000, 3000)
    await wanted({ preset: 0 }, 1000, 3000)
    await wanted('full', Math.min(...volumes[0]), Math.max(...volumes[0]))
    await wanted({ center: 2000, width: 500 }, 1750, 2250)
    await wanted('lung', -1350, 150)
    expect(await failure(picture('display.nii', { preset: 1 }))).toContain('has 1 windows of its own')
  })

  it('turns with a negative slope', async () => {
    const { shape, volumes } = expected['scaled-down.nii.gz']
    const all = volumes[0]
    const image = await picture('scaled-down.nii.gz', 'full')
    expect(Array.from(image.data)).toEqual(windowed(axial(all, shape, 1), Math.min(...all), Math.max(...all)))
  })

  it('shows colours as they are', async () => {
    const image = await picture('rgb.nii.gz')
    expect(image).toMatchObject({ width: 5, height: 4, channels: 3, maxValue: 255 })
    expect(Array.from(image.data)).toEqual(rgb.picture)
  })

  it('takes the one slice of a flat volume, whichever plane it is in', async () => {
    expect(await picture('flat.nii')).toMatchObject({ width: 6, height: 5 })
    expect(await picture('flat-sagittal.nii')).toMatchObject({ width: 6, height: 5 })
  })

  it('leaves what is not a number out of the range and makes it black', async () => {
    const bytes = bytesOf('holes.nii')
    const { data: values } = readVolume(bytes)
    const finite = Array.from(values).filter(Number.isFinite)
    expect(finite).toHaveLength(57)
    const [low, high] = [Math.min(...finite), Math.max(...finite)]
    const first = await picture('holes.nii#0')
    // Voxel (0, 0, 0) is the last pixel of the lowest slice.
    expect(first.data.at(-1)).toBe(0)
    const second = await picture('holes.nii#1')
    expect(second.data[(3 - 1) * 5 + (4 - 1)]).toBe(65535)
    expect(second.data[0]).toBe(windowed([values[2 * 20 - 1]], low, high)[0])
  })

  it('warns where the sides are unknown and where pixels are far from square', async () => {
    expect((await picture('no-forms.nii')).warning).toContain('left and right may be swapped')
    expect((await picture('oblique-0-sform.nii#coronal')).warning).toMatch(/0\.70 mm wide and 5\.00 mm high/)
    expect((await picture('rgb.nii.gz#coronal')).warning).toMatch(/2\.00 mm wide and 4\.00 mm high/)
  })

  it('says which parts there are', async () => {
    expect(await failure(picture('series.nii.gz#3'))).toBe(
      `${file('series.nii.gz')}#3: axial slice 3 was asked for, but it has 3, from 0.`,
    )
    expect(await failure(picture('series.nii.gz#5/0'))).toContain('volume 5 was asked for, but it has 2')
    expect(await failure(picture('series.nii.gz#sagittal/5'))).toContain('sagittal slice 5')
    for (const part of ['', 'x', '1/2/3', '-1', '1.5', 'axial/', 'oblique/1'])
      expect(await failure(picture(`series.nii.gz#${part}`))).toContain(`part "${part}" is none of`)
  })
})

describe('other NIfTI', () => {
  it('names types and kinds that hold no picture', async () => {
    expect(await failure(decodeImage(file('complex.nii')))).toMatch(/complex\.nii: .*datatype 32/)
    expect(await failure(decodeImage(file('pair.hdr')))).toMatch(/pair\.hdr: .*\.hdr and \.img/)
  })

  it('is not taken for what else is gzipped', async () => {
    const table = gzipSync('image,label\n1.png,Effusion\n')
    expect(await failure(decodeImageBytes(table, 'labels.csv.gz'))).toContain('not an image we can read')
  })

  it.each(['i2.nii', 'scaled.nii.gz', 'version2.nii', 'version2-big-endian.nii.gz'])(
    'refuses %s cut off anywhere',
    async (name) => {
      const bytes = bytesOf(name)
      for (let cut = 1; cut < bytes.length; cut += 3)
        expect(await failure(decodeImageBytes(bytes.subarray(0, cut), 'cut.nii'))).toContain('cut.nii: ')
    },
  )

  it('refuses a damaged gzip by its checksum', async () => {
    const bytes = Uint8Array.from(bytesOf('scaled.nii.gz'))
    for (const at of [bytes.length - 30, bytes.length - 8, bytes.length - 2]) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = damaged[at] ^ 0x20
      await failure(decodeImageBytes(damaged, 'damaged.nii.gz'))
    }
  })

  it('refuses a header that claims what the file cannot hold, before taking memory', async () => {
    const bytes = gunzipSync(bytesOf('scaled.nii.gz'))
    bytes.writeInt16LE(30_000, 42)
    bytes.writeInt16LE(30_000, 44)
    for (const claimed of [bytes, gzipSync(bytes)]) {
      expect(await failure(decodeImageBytes(claimed, 'claim.nii'))).toMatch(/30000 x 30000 x 3 x 1 voxels/)
    }
  })
})

const present = existsSync(data)
describe.skipIf(!present)(`public volumes${present ? '' : ' (not there: set PLURAD_DATA)'}`, () => {
  const published = JSON.parse(readFileSync(join(fixtures, 'public.json'), 'utf8')) as Record<
    string,
    {
      shape: number[]
      spacing: number[]
      affine: number[][]
      volumes?: { sha256: string; at: number[]; values: number[] }[]
      sha256: string
    }
  >

  it.each(Object.keys(published))('%s is read as nibabel reads it', async (name) => {
    const { shape, spacing, affine, volumes, sha256 } = published[name]
    const bytes = readFileSync(join(data, name))
    if (volumes === undefined) {
      const picture = await decodeImageBytes(bytes, name)
      expect(createHash('sha256').update(picture.data).digest('hex')).toBe(sha256)
      return
    }
    volumes.forEach((wanted, index) => {
      const volume = readVolume(bytes, index)
      expect(volume.shape).toEqual(shape)
      closeTo(volume.spacing, spacing)
      closeTo(volume.affine.flat(), affine.flat())
      expect(wanted.at.map((position) => volume.data[position])).toEqual(wanted.values)
      expect(createHash('sha256').update(volume.data).digest('hex')).toBe(wanted.sha256)
    })
  })

  it('gives one picture for the six orientations of one volume', async () => {
    const [first, ...others] = await Promise.all(
      orientations.map((name) => decodeImage(`${join(data, name)}.nii.gz#31`)),
    )
    expect(new Set(first.data).size).toBeGreaterThan(100)
    for (const other of others) expect(other).toEqual(first)
  })
})

it('has a fixture for each file', () => {
  const special = ['rgb.nii.gz', 'complex.nii', 'pair.hdr', 'holes.nii']
  expect(readdirSync(join(fixtures, 'files')).sort()).toEqual([...Object.keys(expected), ...special].sort())
})
