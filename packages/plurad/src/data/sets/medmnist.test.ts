import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeImage } from '../formats/decode.js'
import { NIH_LABELS } from './nih.js'
import { openDataset } from './open.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-medmnist-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** An NPY file of bytes, as NumPy's format describes it. */
function npy(shape: readonly number[], values: readonly number[]): Uint8Array {
  const description = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`
  const header = description.padEnd(118 - 1).concat('\n')
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0])
  return Buffer.concat([prefix, Buffer.from(header), Buffer.from(values)])
}

type Labels = readonly (readonly number[])[]

/** Images of 2 x 2 pixels that count up over all splits. */
async function put(name: string, parts: Record<string, Labels>, channels = 1): Promise<string> {
  let next = 0
  const arrays = Object.entries(parts).flatMap(([split, labels]): [string, Uint8Array][] => {
    const shape = [labels.length, 2, 2, ...(channels === 1 ? [] : [channels])]
    const pixels = Array.from({ length: labels.length * 4 * channels }, () => next++)
    return [
      [`${split}_images.npy`, npy(shape, pixels)],
      [`${split}_labels.npy`, npy([labels.length, labels[0]?.length ?? 0], labels.flat())],
    ]
  })
  const file = join(folder, name)
  await writeFile(file, zipSync(Object.fromEntries(arrays), { level: 0 }))
  return file
}

const chest = (...present: number[]) =>
  Array.from({ length: 14 }, (_, index) => (present.includes(index) ? 1 : 0))

describe('medmnist', () => {
  it('reads ChestMNIST of any size with its split, and its images are where it says', async () => {
    const file = await put('chestmnist_64.npz', {
      train: [chest(0, 13), chest()],
      val: [chest(12)],
      test: [chest(2)],
    })
    const dataset = await openDataset(folder)
    expect(dataset.name).toBe('chestmnist_64')
    expect(dataset.labels).toHaveLength(14)
    // The order of NIH's fourteen, under MedMNIST's names.
    dataset.labels.forEach((label, index) =>
      expect(NIH_LABELS[index].toLowerCase().replace('_thickening', '')).toBe(label),
    )
    expect(dataset.samples.map(({ image, split, patient }) => [image, split, patient])).toEqual([
      ['chestmnist_64.npz#train_images/0', 'train', null],
      ['chestmnist_64.npz#train_images/1', 'train', null],
      ['chestmnist_64.npz#val_images/0', 'val', null],
      ['chestmnist_64.npz#test_images/0', 'test', null],
    ])
    expect(dataset.samples.map(({ labels }) => labels)).toEqual([chest(0, 13), chest(), chest(12), chest(2)])
    expect(dataset.notes?.[0]).toContain("CheXNet's random split")
    const pixels = await decodeImage(dataset.samples[2]?.path ?? '')
    expect(pixels).toMatchObject({ width: 2, height: 2, channels: 1, maxValue: 255 })
    expect([...pixels.data]).toEqual([8, 9, 10, 11])
    expect((await openDataset(file)).fingerprint).toBe(dataset.fingerprint)
  })

  it('makes a label of every class', async () => {
    const file = await put('retinamnist.npz', { train: [[0], [4]], val: [[2]], test: [[0]] }, 3)
    const dataset = await openDataset(file)
    expect(dataset.labels).toEqual(['grade 0', 'grade 1', 'grade 2', 'grade 3', 'grade 4'])
    expect(dataset.samples.map(({ labels }) => labels.join(''))).toEqual(['10000', '00001', '00100', '10000'])
    expect((await decodeImage(dataset.samples[0]?.path ?? '')).channels).toBe(3)
    const some = await openDataset(file, { labels: ['grade 2', 'grade 0'] })
    expect(some.samples.map(({ labels }) => labels.join(''))).toEqual(['01', '00', '10', '01'])
    await expect(openDataset(file, { labels: ['grad 2'] })).rejects.toThrow(/Did you mean "grade 2"/)
  })

  it('takes names for other files of this layout, and says when it has none', async () => {
    const file = await put('own.npz', { train: [[1, 0]], test: [[0, 1]] })
    const nameless = await openDataset(file)
    expect(nameless.labels).toEqual(['label 0', 'label 1'])
    expect(nameless.notes?.[0]).toContain('label_names')
    const named = await openDataset(file, { settings: { label_names: ['edema', 'mass'] } })
    expect(named).toMatchObject({ labels: ['edema', 'mass'] })
    expect(named.notes).toBeUndefined()
    await expect(openDataset(file, { settings: { label_names: ['edema'] } })).rejects.toThrow(
      /2 columns of labels, but 1 names/,
    )
  })

  it.each([
    [{ train: [[1, 2]] }, 1, /train_labels, row 0: 2, where 0 or 1 is expected/],
    [{ train: [[1, 0]], val: [[1]] }, 1, /train_labels has 2 columns and val_labels 1/],
    [{ train: [[1, 0]] }, 2, /train_images holds volumes, \[1, 2, 2, 2\]/],
  ])('refuses %j with %d channels', async (parts: Record<string, Labels>, channels, expected) => {
    await expect(openDataset(await put('own.npz', parts, channels))).rejects.toThrow(expected)
  })

  it('asks which of several files, and refuses one without such arrays', async () => {
    await put('a.npz', { train: [[1, 0]] })
    await put('b.npz', { train: [[1, 0]] })
    await expect(openDataset(folder)).rejects.toThrow(/2 files, "a\.npz", "b\.npz"/)
    const other = await put('c.npz', { left: [[1, 0]] })
    await expect(openDataset(other, { adapter: 'medmnist' })).rejects.toThrow(
      /the arrays "left_images", "left_labels", where train_images/,
    )
  })
})
