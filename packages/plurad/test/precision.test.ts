/** Smaller precisions of a trained run, and its findings as structured reports, from the command line. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDicom, readDicomHeader, storedValues } from '../src/data/formats/dicom/index.js'
import { readOnnxMetadata } from '../src/predict/onnx-metadata.js'
import { fail, makeWorkplace, plurad, sets, succeed, type Workplace } from './cli.js'

let here: Workplace
let run: string
let whole: string
let image: string
let exported: Answer

const SOURCE = fileURLToPath(new URL('fixtures/dicom-objects/source.dcm', import.meta.url))

/** Where there is no addon: whatever loads libtorch fails. */
const withoutLibtorch = { env: { PLURAD_TORCH_BUILD: '/nowhere/current.json' } }

interface Answer {
  bytes: number
  difference: number
  checked_on: string
  precision: {
    images: number
    auc: number
    auc_float32: number
    bytes: number
    bytes_float32: number
    largest_difference: number
    calibration_images?: number
  } | null
}

const exportTo = async (name: string, ...flags: string[]): Promise<Answer> => {
  const { stdout } = await succeed(['export', run, '--out', here.path(name), '--no-ood', '--json', ...flags])
  return JSON.parse(stdout) as Answer
}

async function probabilitiesOf(model: string): Promise<number[]> {
  const { stdout } = await succeed(['predict', model, image, '--json'], withoutLibtorch)
  const [{ findings }] = JSON.parse(stdout) as { findings: { probability: number }[] }[]
  return findings.map(({ probability }) => probability)
}

/** The run with a head for which everything speaks that spoke against it: after one epoch no label has evidence. */
async function reversed(): Promise<string> {
  const bytes = readFileSync(join(run, 'model.safetensors'))
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<string, { data_offsets: number[] }>
  const { data_offsets: offsets } = header['head.classifier.weight']
  for (let at = start + offsets[0]; at < start + offsets[1]; at += 4)
    bytes.writeFloatLE(-bytes.readFloatLE(at), at)
  const [weights, onnx] = [here.path('reversed.safetensors'), here.path('reversed.onnx')]
  writeFileSync(weights, bytes)
  await succeed(['export', weights, '--out', onnx, '--no-ood'])
  return onnx
}

beforeAll(async () => {
  here = await makeWorkplace({ count: 60 })
  run = here.path('run')
  whole = here.path('whole.onnx')
  const folder = join(here.data, 'images')
  image = join(folder, readdirSync(folder)[0])
  await succeed([
    ...['train', here.recipe, '--data', here.data, '--out', run],
    ...sets('training.epochs=1', 'model.backbone=mobilenet_v3_small'),
  ])
  exported = await exportTo('whole.onnx')
}, 120_000)
afterAll(() => {
  rmSync(here.folder, { recursive: true, force: true })
})

describe('export', () => {
  it('is held against libtorch on images of the run', () => {
    expect(exported).toMatchObject({ checked_on: 'images', precision: null })
    expect(exported.difference).toBeLessThan(1e-4)
  })

  it.each([
    ['float16', 0.6],
    ['int8', 0.4],
  ])('in %s is measured, smaller and says so', async (precision, share) => {
    const name = `${precision}.onnx`
    const { precision: report } = await exportTo(name, '--precision', precision, '--max-auc-loss', '1')
    if (report === null) throw new Error('no report')
    expect(report.bytes).toBeLessThan(share * report.bytes_float32)
    expect(report.images).toBeGreaterThan(0)
    expect(report.largest_difference).toBeGreaterThan(0)
    if (precision === 'int8') expect(report.calibration_images).toBeGreaterThanOrEqual(16)
    const metadata = readOnnxMetadata(readFileSync(here.path(name)))
    expect(JSON.parse(metadata.get('plurad.precision') ?? '')).toEqual(report)
    const [expected, actual] = [await probabilitiesOf(whole), await probabilitiesOf(here.path(name))]
    expected.forEach((value, i) => {
      expect(Math.abs(value - actual[i])).toBeLessThan(precision === 'int8' ? 0.1 : 2e-3)
    })
  })

  it('of an ensemble writes each member, which are predicted together', async () => {
    const ensemble = here.path('ensemble')
    mkdirSync(ensemble)
    const describe = (method: string): void => {
      writeFileSync(join(ensemble, 'ensemble.json'), JSON.stringify({ method, members: ['../run', run] }))
    }
    describe('mean')
    const { stderr } = await succeed(['export', ensemble, '--no-ood'])
    const models = ['1-run.onnx', '2-run.onnx'].map((name) => join(ensemble, 'models', name))
    expect(stderr).toContain(`plurad predict ${ensemble} image.png`)
    const { stdout } = await succeed(['predict', ...models, image, '--csv'], withoutLibtorch)
    expect(stdout.split('\n')[0]).toMatch(/^image,/)
    expect((await succeed(['predict', ensemble, image, '--csv'], withoutLibtorch)).stdout).toBe(stdout)
    rmSync(models[1])
    expect(await fail(['predict', ensemble, image])).toMatch(
      /is an ensemble of 2 models, and .*models has 1 of them: run plurad export .*ensemble first/,
    )
    describe('weighted')
    expect(await fail(['export', ensemble])).toContain('by weighted, prediction by their mean')
  })

  it('in a smaller precision needs the images, a known name and a sensible bound', async () => {
    const alone = here.path('alone.safetensors')
    copyFileSync(join(run, 'model.safetensors'), alone)
    const out = here.path('none.onnx')
    expect(await fail(['export', alone, '--out', out, '--precision', 'int8'])).toMatch(
      /measured on the images of the run, which are missing: .* is no run folder/,
    )
    const wrong = (...flags: string[]) => fail(['export', run, '--out', out, ...flags], { code: 2 })
    expect(await wrong('--precision', 'int4')).toContain('expected float32, float16, int8')
    expect(await wrong('--precision', 'int8', '--max-auc-loss', 'much')).toContain('a number from 0 to 1')
    expect(existsSync(out)).toBe(false)
  })
})

describe('predict for a PACS', () => {
  it('writes a report of each DICOM image beside its study, and names what is none', async () => {
    const folder = here.path('reports')
    const copy = here.path('scan.dcm')
    copyFileSync(SOURCE, copy)
    const codes = here.path('codes.csv')
    const { stdout } = await succeed(['predict', whole, image, '--json'])
    const [{ findings }] = JSON.parse(stdout) as { findings: { label: string }[] }[]
    writeFileSync(codes, `label,code,scheme,meaning\n${findings[0].label},RID1,RADLEX,a finding of ours\n`)
    const args = ['predict', whole, copy, image, '--sr', folder, '--codes', codes, '--csv']
    const first = await plurad(args, withoutLibtorch)
    expect(first.code).toBe(1)
    expect(first.stdout.split('\n')).toHaveLength(4)
    expect(first.stderr).toMatch(/no structured report: .*\.png is no DICOM image/)
    expect(first.stderr).toContain('1 structured report')
    const [report, ...others] = readdirSync(folder)
    expect([report, ...others]).toEqual(['scan.sr.dcm'])
    const bytes = readFileSync(join(folder, report))
    expect(readDicomHeader(bytes)).toMatchObject({
      modality: 'SR',
      patientId: 'P-7',
      studyInstanceUid: '1.2.3.4',
    })
    expect(bytes.includes('a finding of ours')).toBe(true)
    expect(await fail(args, withoutLibtorch)).toMatch(/scan\.sr\.dcm exists: a report is not written over/)
    expect(readFileSync(join(folder, report)).equals(bytes)).toBe(true)
  })

  it('writes heat maps that belong to the image, and no file twice', async () => {
    const folder = here.path('maps')
    const copy = here.path('scan.dcm')
    copyFileSync(SOURCE, copy)
    const args = ['predict', await reversed(), copy, '--json', '--heatmaps-dicom', folder]
    const { stdout, stderr } = await succeed(args, withoutLibtorch)
    const [{ findings }] = JSON.parse(stdout) as { findings: { present: boolean | null }[] }[]
    const shown = Math.max(1, findings.filter(({ present }) => present).length)
    const names = readdirSync(folder).sort()
    expect(stderr).toContain(`: ${names.length} DICOM heat maps`)
    const silent = stderr.match(/nothing speaks for it/g)?.length ?? 0
    expect(names.length / 2 + silent).toBe(shown)
    expect(names.length).toBeGreaterThan(0)
    expect(names.every((name) => /^scan\..*\.(pm|sc)\.dcm$/.test(name))).toBe(true)
    const file = readDicom(readFileSync(join(folder, names.find((name) => name.endsWith('.pm.dcm')) ?? '')))
    expect(file.header).toMatchObject({ patientId: 'P-7', studyInstanceUid: '1.2.3.4', rows: 8, columns: 12 })
    const values = Array.from(storedValues(file))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThanOrEqual(1)
    const again = await plurad(args, withoutLibtorch)
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/no heat map: .* exists and is not written over/)
  })

  it('refuses flags that do not go together', async () => {
    expect(await fail(['predict', whole, image, '--codes', 'a.csv'], { code: 2 })).toContain('--sr')
  })
})
