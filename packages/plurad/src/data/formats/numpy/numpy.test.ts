import { copyFileSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataError } from '../../../errors.js'
import type { WindowChoice } from '../../preprocessing.js'
import { decodeImage, decodeImageBytes } from '../decode.js'
import { cacheFolder } from '../user-cache.js'
import { listArrays, readArray } from './arrays.js'

interface Expected {
  dtype: string
  shape: number[]
  values: (number | string)[]
}

/** Made by make_numpy.py: file -> array (empty for NPY) -> what NumPy wrote. */
const fixtures = fileURLToPath(new URL('../../../../test/fixtures/numpy/', import.meta.url))
const expected = JSON.parse(readFileSync(join(fixtures, 'numpy.json'), 'utf8')) as Record<
  string,
  Record<string, Expected>
>
const file = (name: string) => join(fixtures, 'files', name)
const bytesOf = (name: string) => readFileSync(file(name))
const arrays = Object.entries(expected).flatMap(([name, members]) =>
  Object.entries(members).map(([array, content]) => ({ name, array, content })),
)

let folder: string
const before = process.env['XDG_CACHE_HOME']
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-numpy-'))
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache')
})
afterAll(async () => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME']
  else process.env['XDG_CACHE_HOME'] = before
  await rm(folder, { recursive: true, force: true })
})

async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DataError)
  return (error as Error).message
}

/** From disk and from memory, which are two ways to the same picture. */
async function picture(name: string, part: string | null = null, window: WindowChoice = 'file') {
  const image = await decodeImage(part === null ? file(name) : `${file(name)}#${part}`, window)
  expect(await decodeImageBytes(bytesOf(name), name, { window, part })).toEqual(image)
  return image
}

/** The values of one row of an array, from what NumPy wrote. */
function row(name: string, array: string, index: number): number[] {
  const { shape, values } = expected[name][array]
  const length = shape.slice(1).reduce((product, side) => product * side, 1)
  return values.slice(index * length, (index + 1) * length) as number[]
}

function windowed(values: readonly number[], low: number, high: number): number[] {
  return values.map((value) =>
    Math.floor(Math.min(1, Math.max(0, (value - low) / (high - low))) * 65535 + 0.5),
  )
}

describe('readArray and listArrays', () => {
  it.each(arrays)('read $name $array as NumPy does', ({ name, array, content }) => {
    const read = readArray(file(name), array)
    expect(read.shape).toEqual(content.shape)
    expect(read.dtype).toBe(content.dtype)
    expect(Array.from<number | string>(read.values)).toEqual(content.values)
  })

  it.each(Object.keys(expected))('list what is in %s', (name) => {
    const wanted = Object.entries(expected[name]).map(([array, { dtype, shape }]) => ({
      name: array,
      dtype,
      shape,
    }))
    expect(listArrays(file(name))).toEqual(wanted)
  })

  it('name the file and the array that is wrong', () => {
    expect(() => listArrays(file('none.npz'))).toThrow(DataError)
    expect(() => listArrays(file('none.npz'))).toThrow('none.npz: no such file')
    expect(() => listArrays(fileURLToPath(import.meta.url))).toThrow('neither NPY nor NPZ')
    expect(() => readArray(file('stored.npz'), 'labels')).toThrow(
      /stored\.npz: array labels: there is no such array, but train_labels, train_images/,
    )
    expect(() => readArray(file('objects.npy'))).toThrow(/objects\.npy: .*dtype \|O/)
    expect(() => readArray(file('structured.npy'))).toThrow('structured dtype')
  })
})

describe('pictures', () => {
  it('are rows of unsigned bytes and 16-bit integers as they are', async () => {
    for (const name of ['u1.npy', 'u1-fortran.npy', 'u2.npy', 'u2-big-endian.npy', 'u2-fortran.npy']) {
      for (const index of [0, 1, 2]) {
        const image = await picture(name, String(index))
        expect(image).toMatchObject({
          width: 5,
          height: 4,
          channels: 1,
          maxValue: name.startsWith('u1') ? 255 : 65535,
        })
        expect(Array.from(image.data)).toEqual(row(name, '', index))
      }
    }
    expect(await picture('colours.npy')).toEqual(await picture('colours.npy', '0'))
  })

  it('are colours with channels last, alpha dropped', async () => {
    const one = await picture('colour.npy')
    expect(one).toMatchObject({ width: 5, height: 4, channels: 3 })
    expect(Array.from(one.data)).toEqual(expected['colour.npy'][''].values)
    for (const name of ['colours.npy', 'colours-fortran.npy'])
      expect(Array.from((await picture(name, '2')).data)).toEqual(row(name, '', 2))
    const { values } = expected['alpha.npy']['']
    expect(Array.from((await picture('alpha.npy')).data)).toEqual(values.filter((_, at) => at % 4 < 3))
    expect(await picture('one-channel.npy', '1')).toMatchObject({ width: 5, height: 4, channels: 1 })
  })

  it('span the range of signed and wide integer types, whatever their values', async () => {
    for (const [type, low, high] of [
      ['i1', -128, 127],
      ['i2', -32768, 32767],
      ['i4', -(2 ** 31), 2 ** 31 - 1],
      ['u4', 0, 2 ** 32 - 1],
      ['i8', -(2 ** 63), 2 ** 63],
      ['u8', 0, 2 ** 64],
    ] as const) {
      for (const name of [`${type}.npy`, `${type}-fortran.npy`])
        expect(Array.from((await picture(name, '1')).data)).toEqual(windowed(row(name, '', 1), low, high))
    }
    expect(Array.from((await picture('b1.npy', '2')).data)).toEqual(
      row('b1.npy', '', 2).map((bit) => bit * 255),
    )
  })

  it('of floats span the whole array, not the row', async () => {
    for (const name of ['f2.npy', 'f4.npy', 'f8.npy', 'f4-big-endian.npy', 'f8-fortran.npy']) {
      const all = expected[name][''].values as number[]
      const wanted = windowed(row(name, '', 1), Math.min(...all), Math.max(...all))
      expect(Array.from((await picture(name, '1')).data)).toEqual(wanted)
      // The second time from what is remembered.
      expect(Array.from((await decodeImage(`${file(name)}#1`, 'full')).data)).toEqual(wanted)
    }
    const { values } = expected['half.npy']['']
    const [low, high] = [-65504, 65504]
    expect(Array.from((await picture('half.npy')).data)).toEqual(windowed(values as number[], low, high))
  })

  it('follow a window that is chosen, of whatever type they are', async () => {
    const window = { center: 0.5, width: 1 }
    const [float, byte] = [row('f4.npy', '', 0), row('u1.npy', '', 0)]
    expect(Array.from((await picture('f4.npy', '0', window)).data)).toEqual(windowed(float, 0, 1))
    const wide = { center: 100, width: 100 }
    expect(Array.from((await picture('u1.npy', '0', wide)).data)).toEqual(windowed(byte, 50, 150))
    expect(Array.from((await picture('i2.npy', '0', 'bone')).data)).toEqual(
      windowed(row('i2.npy', '', 0), -500, 1300),
    )
    expect(await failure(picture('f4.npy', '0', { preset: 0 }))).toContain('has 0 windows of its own')
  })

  it('leave what is not a number out of the range and make it black', async () => {
    const values = Array.from<number | string>(readArray(file('holes.npy')).values).map(Number)
    const finite = values.filter(Number.isFinite)
    const image = await picture('holes.npy')
    expect(image.data[0]).toBe(0)
    expect(image.data[6]).toBe(65535)
    expect(image.data[12]).toBe(0)
    expect(image.data[1]).toBe(windowed([values[1]], Math.min(...finite), Math.max(...finite))[0])
  })

  it.each(['stored.npz', 'deflated.npz'])('are rows of the arrays of %s', async (name) => {
    for (const index of [0, 3, 5])
      expect(Array.from((await picture(name, `train_images/${index}`)).data)).toEqual(
        row(name, 'train_images', index),
      )
    expect(await picture(name, 'val_images/1')).toMatchObject({ width: 8, height: 8, channels: 3 })
    expect(Array.from((await picture(name, 'val_images/1')).data)).toEqual(row(name, 'val_images', 1))
    const all = expected[name]['test_images'].values as number[]
    expect(Array.from((await picture(name, 'test_images/1')).data)).toEqual(
      windowed(row(name, 'test_images', 1), Math.min(...all), Math.max(...all)),
    )
    // train_labels [6, 3] come before them and could be an image by their shape.
    expect(await picture(name)).toEqual(await picture(name, 'train_images/0'))
    expect(await picture(name, 'train_images')).toEqual(await picture(name, 'train_images/0'))
  })

  it.each(['zip64.npz', 'zip64-deflated.npz'])(
    'come out of %s, whose lengths are 64 bits wide',
    async (name) => {
      expect(Array.from((await picture(name, 'fold/train_images/4')).data)).toEqual(
        row(name, 'fold/train_images', 4),
      )
    },
  )

  it('say which arrays and rows there are', async () => {
    expect(Array.from((await picture('single.npz')).data)).toEqual(expected['single.npz']['image'].values)
    const messageOf = (name: string, part: string | null) => failure(picture(name, part))
    expect(await messageOf('stored.npz', 'images/3')).toContain(
      'it has no array "images": there are train_labels, train_images, val_images, test_images, names.',
    )
    expect(await messageOf('stored.npz', 'train_images/6')).toContain('row 6 was asked for, but it has 6')
    expect(await messageOf('stored.npz', 'train_images/x')).toContain('part "x" is no row number')
    expect(await messageOf('stored.npz', 'names/0')).toContain('dtype <U3')
    expect(await messageOf('labels-only.npz', null)).toContain('none of its arrays (labels, names)')
    expect(await messageOf('u1.npy', '-1')).toContain('part "-1"')
    expect(await messageOf('colour.npy', '1')).toContain('that of one image')
    expect(await messageOf('channels-first.npy', '0')).toMatch(/\[2, 3, 6, 5\].*numpy\.moveaxis/)
    expect(await messageOf('ambiguous.npy', null)).toContain('three images or one with its channels first')
    expect(await picture('ambiguous.npy', '1')).toMatchObject({ width: 5, height: 6 })
    for (const name of ['vector.npy', 'scalar.npy'])
      expect(await messageOf(name, null)).toContain('its shape is')
    expect(await messageOf('empty.npy', null)).toContain('row 0 was asked for, but it has 0')
    expect(await messageOf('complex.npy', null)).toContain('dtype <c8')
    expect(await messageOf('structured.npy', null)).toContain('structured dtype')
    expect(await messageOf('objects.npy', null)).toContain('dtype |O')
  })
})

describe('the copy of a compressed array', () => {
  const copies = () => readdirSync(cacheFolder()).filter((name) => !name.endsWith('.json')).length

  it('is made once, whole, however many ask at the same time, and anew when the file changes', async () => {
    process.env['XDG_CACHE_HOME'] = join(folder, 'own')
    const path = join(folder, 'set.npz')
    copyFileSync(file('deflated.npz'), path)
    const indices = Array.from({ length: 40 }, (_, index) => index % 6)
    const images = await Promise.all(indices.map((index) => decodeImage(`${path}#train_images/${index}`)))
    images.forEach((image, at) =>
      expect(Array.from(image.data)).toEqual(row('deflated.npz', 'train_images', indices[at])),
    )
    expect(copies()).toBe(1)
    await decodeImage(`${path}#val_images/1`)
    expect(copies()).toBe(2)

    copyFileSync(file('zip64-deflated.npz'), path)
    utimesSync(path, 1e9, 1e9)
    const changed = await decodeImage(`${path}#fold/train_images/1`)
    expect(Array.from(changed.data)).toEqual(row('zip64-deflated.npz', 'fold/train_images', 1))
    // The copies of the file as it was are gone.
    expect(copies()).toBe(1)
  })

  it('is made again where it was cut off', async () => {
    process.env['XDG_CACHE_HOME'] = join(folder, 'cut')
    const reference = `${file('deflated.npz')}#train_images/2`
    const image = await decodeImage(reference)
    const [copy] = readdirSync(cacheFolder())
    writeFileSync(join(cacheFolder(), copy), 'cut off')
    expect(await decodeImage(reference)).toEqual(image)
  })

  it('is not kept of a damaged file', async () => {
    process.env['XDG_CACHE_HOME'] = join(folder, 'damaged')
    const bytes = Buffer.from(bytesOf('deflated.npz'))
    const path = join(folder, 'damaged.npz')
    const at = bytes.indexOf('train_images.npy') + 250
    bytes[at] = bytes[at] ^ 0x55
    writeFileSync(path, bytes)
    expect(await failure(decodeImage(`${path}#train_images/2`))).toContain('damaged.npz')
    expect(readdirSync(cacheFolder())).toEqual([])
  })

  it('that cannot be kept is an error that says where and what to do', async () => {
    const blocked = join(folder, 'a-file')
    writeFileSync(blocked, '')
    process.env['XDG_CACHE_HOME'] = blocked
    expect(await failure(decodeImage(`${file('deflated.npz')}#train_images/2`))).toMatch(
      /deflated\.npz#train_images\/2: a copy for quick reading could not be kept in .*a-file.*set XDG_CACHE_HOME/,
    )
    // What needs no copy is read all the same.
    expect((await decodeImage(`${file('stored.npz')}#test_images/1`)).width).toBe(8)
    process.env['XDG_CACHE_HOME'] = join(folder, 'cache')
  })
})

describe('damaged files', () => {
  it.each(['u2.npy', 'stored.npz', 'deflated.npz', 'zip64-deflated.npz'])(
    'refuses %s cut off anywhere',
    async (name) => {
      const bytes = bytesOf(name)
      for (let cut = 1; cut < bytes.length; cut += 5)
        expect(await failure(decodeImageBytes(bytes.subarray(0, cut), 'cut.file'))).toContain('cut.file: ')
    },
  )

  it('refuses shapes that the file cannot hold, before taking memory', async () => {
    const text = bytesOf('u1.npy').toString('latin1')
    const claimed = Buffer.from(text.replace('(3, 4, 5), }   ', '(90000, 8192, 8192)'.slice(0, 15)), 'latin1')
    expect(await failure(decodeImageBytes(claimed, 'claim.npy'))).toContain('claim.npy')
    const wide = Buffer.from(text.replace('(3, 4, 5), }        ', '(90000, 800, 800), }'), 'latin1')
    expect(await failure(decodeImageBytes(wide, 'claim.npy'))).toMatch(/90000 x 800 x 800 values/)
  })
})
