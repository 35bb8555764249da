/** `plurad explain` and `plurad predict --heatmaps`, as they are typed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../src/data/formats/decode.js'
import type { Written } from '../src/explain/render/write.js'
import type { Localisation } from '../src/cli/explain/localise.js'
import { fail, makeWorkplace, plurad, sets, succeed, type Workplace } from './cli.js'

let here: Workplace
let run: string
let onnx: string
let images: string[]

/** Where there is no addon: whatever loads libtorch fails. */
const withoutLibtorch = { env: { PLURAD_TORCH_BUILD: '/nowhere/current.json' } }

beforeAll(async () => {
  here = await makeWorkplace()
  run = here.path('run')
  onnx = here.path('exported.onnx')
  const folder = join(here.data, 'images')
  images = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
  await succeed([
    ...['train', here.recipe, '--data', here.data, '--out', run],
    ...sets('training.epochs=1', 'model.backbone=guita_cnn'),
  ])
  await succeed(['export', run, '--out', onnx])
}, 120_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

describe('pictures', () => {
  it('of a run, with numbers, in JSON', async () => {
    const out = here.path('pictures')
    const { stdout } = await succeed([
      ...[
        'explain',
        run,
        images[0],
        '--method',
        'hires-cam',
        '--labels',
        'top:2',
        '--raw',
        'npy',
        '--out',
        out,
      ],
      ...['--boxes', join(here.data, 'BBox_List_2017.csv'), '--side', '64', '--json'],
    ])
    const [written] = JSON.parse(stdout) as Written[]
    expect(written).toMatchObject({ image: images[0], method: 'hires-cam', stage: 2 })
    // The phantoms are square: the heatmap covers the image.
    expect(written.heatmap_covers).toEqual({ x: 0, y: 0, width: 32, height: 32 })
    const picture = await decodeImage(written.picture)
    // The image and two labels of 64 pixels side by side, in the least width that the legend needs.
    expect([picture.width, picture.height]).toEqual([360, 12 + 26 + 64 + 12 + 58])
    expect(written.labels.map(({ probability }) => probability)).toEqual(
      written.labels.map(({ probability }) => probability).sort((a, b) => b - a),
    )
    for (const { values, highest } of written.labels) {
      const array = readFileSync(values ?? '')
      const numbers = new Float32Array(new Uint8Array(array.subarray(128)).buffer)
      expect(Math.max(0, ...numbers)).toBeCloseTo(highest, 6)
    }
  })

  it('of an exported model, without libtorch, equal those of the run', async () => {
    const [one, other] = [here.path('cam'), here.path('exported-cam')]
    const flags = ['--method', 'cam', '--labels', 'Mass,Hernia', '--raw', 'npy']
    await succeed(['explain', run, images[1], ...flags, '--out', one])
    await succeed(['explain', onnx, images[1], ...flags, '--out', other], withoutLibtorch)
    for (const name of readdirSync(one).filter((file) => file.endsWith('.npy'))) {
      const [a, b] = [one, other].map((folder) => {
        const bytes = readFileSync(join(folder, name))
        return new Float32Array(new Uint8Array(bytes.subarray(128)).buffer)
      })
      const scale = Math.max(...a.map(Math.abs))
      a.forEach((value, at) => expect(Math.abs(value - b[at]) / scale).toBeLessThan(1e-3))
    }
  })

  it('beside predictions, one an image, also of images of one name', async () => {
    const out = here.path('beside')
    const namesake = join(here.path('elsewhere'), basename(images[0]))
    mkdirSync(here.path('elsewhere'))
    writeFileSync(namesake, readFileSync(images[1]))
    const { stdout, stderr } = await succeed(
      ['predict', onnx, images[0], namesake, '--csv', '--heatmaps', out],
      withoutLibtorch,
    )
    expect(stdout.trim().split('\n')).toHaveLength(3)
    expect(stderr).toContain(`2 picture(s) in ${out}`)
    expect(readdirSync(out)).toHaveLength(2)
  })

  it('goes on past an image that cannot be read, and says so', async () => {
    const damaged = here.path('damaged.png')
    writeFileSync(damaged, readFileSync(images[0]).subarray(0, 200))
    const out = here.path('with-damage')
    const { code, stderr } = await plurad(
      ['explain', onnx, damaged, images[0], '--out', out],
      withoutLibtorch,
    )
    expect(code).toBe(1)
    expect(stderr).toContain('damaged.png')
    expect(readdirSync(out)).toHaveLength(1)
  })
})

it('measures against boxes, on the test split', async () => {
  const out = here.path('localisation')
  const { stdout } = await succeed([
    ...['explain', run, '--boxes', join(here.data, 'BBox_List_2017.csv'), '--split', 'all', '--out', out],
  ])
  expect(stdout).toMatch(/label +images +pointing +95 % +chance +fixed/)
  const found = JSON.parse(readFileSync(join(out, 'localisation.json'), 'utf8')) as Localisation
  const rows = readFileSync(join(here.data, 'BBox_List_2017.csv'), 'utf8').trim().split('\n').slice(1)
  expect(found.boxes).toBe(rows.length)
  for (const { label, images: count, pointing, chance } of found.labels) {
    const own = rows.map((row) => row.split(',')).filter(([, name]) => name === label)
    expect(count).toBe(new Set(own.map(([image]) => image)).size)
    const [low, high] = pointing.interval
    expect(low).toBeLessThanOrEqual(pointing.value)
    expect(high).toBeGreaterThanOrEqual(pointing.value)
    expect(chance).toBeGreaterThan(0)
    expect(chance).toBeLessThan(0.6)
  }
})

describe('what is wrong', () => {
  it.each([
    [['explain', 'RUN', 'IMAGE'], /--out <folder> is needed/, 2],
    [['explain', 'RUN', 'IMAGE', '--out', 'OUT', '--method', 'grad-cm'], /did you mean 'grad-cam'/, 1],
    [['explain', 'RUN', 'IMAGE', '--out', 'OUT', '--labels', 'Effusio'], /Did you mean "Effusion"/, 1],
    [['explain', 'RUN', 'IMAGE', '--out', 'OUT', '--stage', '0'], /--stage 0: expected/, 2],
    [
      ['explain', 'ONNX', 'IMAGE', '--out', 'OUT', '--method', 'grad-cam'],
      /an exported model gives cam and attention/,
      2,
    ],
    [['explain', 'RUN'], /name images, or --boxes/, 2],
  ])('%j', async (args, message, code) => {
    const filled = args.map((arg) =>
      arg === 'RUN'
        ? run
        : arg === 'ONNX'
          ? onnx
          : arg === 'IMAGE'
            ? images[0]
            : arg === 'OUT'
              ? here.path('o')
              : arg,
    )
    expect(await fail(filled, { code })).toMatch(message)
    expect(existsSync(here.path('o')) ? readdirSync(here.path('o')) : []).toEqual([])
  })
})
