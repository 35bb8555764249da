/** Structured reports and heat maps as other software sees them: dcmtk, dicom3tools and an Orthanc archive. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../src/data/formats/decode.js'
import { readDicom, renderFrame } from '../src/data/formats/dicom/index.js'
import { generatePhantoms } from '../src/data/phantom/index.js'
import {
  labelCodes,
  Maker,
  parametricMap,
  readSource,
  secondaryCapture,
  structuredReport,
  uidFrom,
} from '../src/dicom/index.js'
import { fitKnownKind } from '../src/export/known-kind.js'
import { withMetadata } from '../src/export/onnx/metadata.js'
import type { ModelInfo } from '../src/models/model-info.js'
import { openSession } from '../src/predict/node.js'
import { OnnxModel } from '../src/predict/onnx-model.js'
import { KNOWN_KIND_KEY, type OutOfDistribution } from '../src/predict/out-of-distribution.js'
import { succeed } from './cli.js'
import { has, Orthanc, orthancIsThere } from './orthanc.js'
import { writeRandomModel } from './random-model.js'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const SOURCES = { image: fixture('dicom-objects/source.dcm'), frames: fixture('dicom/files/frames.dcm') }

const dcmtk = ['dcmdump', 'dsrdump'].every(has)
const dicom3tools = has('dciodvfy')

let folder: string
let files: Record<'report' | 'capture' | 'map' | 'frameReport', string>

/** The three objects of a made-up finding, always the same. */
function objectsOf(file: string, frame: number): Record<'report' | 'capture' | 'map', Uint8Array> {
  const content = readFileSync(file)
  const source = readSource(content, file)
  let made = 0
  const maker = new Maker({
    algorithm: { name: 'Plurad chexnet', version: '0.1.0', parameters: ['backbone=densenet121'] },
    now: new Date('2026-01-31T20:15:30Z'),
    newUid: () => uidFrom(`${file} ${frame} ${made++}`),
  })
  const findings = [
    { label: 'Effusion', probability: 0.8123456789, threshold: 0.25 },
    { label: 'Pneumonia', probability: 0.125, threshold: 0.25 },
    { label: 'Ödem (Stauung)', probability: 1e-9, threshold: null },
  ]
  const heatmap = {
    ...{ label: 'Effusion', probability: 0.8123456789, method: 'grad-cam', shape: [2, 3] },
    values: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 0),
  }
  const image = renderFrame(readDicom(content), frame, 'full')
  return {
    report: structuredReport(maker, {
      ...{ source, frame, findings, codes: labelCodes() },
      kind: { score: 2.345, percentile: 100, isUnlike: true },
      remarks: ['Warning: in colour (Überlauf)'],
    }),
    capture: secondaryCapture(maker, { source, frame, image, heatmap: { ...heatmap, views: ['shifts'] } }),
    map: parametricMap(maker, { source, frame, heatmap }),
  }
}

function say(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-dicom-'))
  const { report, capture, map } = objectsOf(SOURCES.image, 0)
  const write = (name: string, content: Uint8Array): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  files = {
    report: write('report.dcm', report),
    capture: write('capture.dcm', capture),
    map: write('map.dcm', map),
    frameReport: write('frame-report.dcm', objectsOf(SOURCES.frames, 1).report),
  }
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(!dcmtk)('dcmtk (not installed: skipped)', () => {
  it('reads the report as a tree of coded findings', () => {
    const text = say('dsrdump', '+Pc', '+Pl', files.report)
    const lines = text.split('\n').map((line) => line.trim())
    for (const line of [
      '<CONTAINER:(126000,DCM,"Imaging Measurement Report")=SEPARATE>',
      '<contains CODE:(121071,DCM,"Finding")=(60046008,SCT,"Pleural effusion")>',
      '<contains NUM:(111012,DCM,"Certainty of Finding")="0.8123456789" (1,UCUM,"no units")>',
      '<contains NUM:(THRESHOLD,99PLURAD,"Probability from which a finding counts as present")="0.25" (1,UCUM,"no units")>',
      '<has concept mod TEXT:(111001,DCM,"Algorithm Name")="Plurad chexnet">',
      '<has concept mod TEXT:(111003,DCM,"Algorithm Version")="0.1.0">',
      '<contains CODE:(121071,DCM,"Finding")=(233604007,SCT,"Pneumonia")>',
      '<inferred from IMAGE:(121112,DCM,"Source of Measurement")=(CR image,)>',
      '<contains CONTAINER:(C0034375,UMLS,"Qualitative Evaluations")=SEPARATE>',
      '<contains CODE:(KIND_OF_IMAGE,99PLURAD,"Whether the image is of a kind that the model knows")=' +
        '(KIND_UNLIKE,99PLURAD,"Unlike the images that the model knows")>',
      '<contains TEXT:(121106,DCM,"Comment")="Unlike the images that the model knows: distance 2.35, where 99 of 100 ' +
        'validation images of the model stay below 1 (percentile 100.0). The probabilities may mean nothing.">',
      '<contains TEXT:(121106,DCM,"Comment")="Warning: in colour (Überlauf)">',
    ])
      expect(lines).toContain(line)
    const decisions = lines.filter((line) => line.includes('Presence of property'))
    expect(decisions.map((line) => /=\((\d+)/.exec(line)?.[1])).toEqual(['121053', '121054'])
    expect(text).toMatch(/Verification Flag +: UNVERIFIED/)
    expect(text).toContain('99PLURAD,"Ödem (Stauung)"')
  })

  it('finds the same patient and study in all of them, in UTF-8, and new series', () => {
    const series = [files.report, files.capture, files.map].map((file) => {
      const text = say('dcmdump', file)
      const value = (keyword: string): string =>
        new RegExp(`^\\([^)]*\\) \\w\\w \\[?(.*?)\\]? +#.* ${keyword}$`, 'm').exec(text)?.[1] ?? ''
      expect(value('PatientName')).toBe('Müller^Jörg')
      expect(value('PatientID')).toBe('P-7')
      expect(value('PatientBirthDate')).toBe('19700102')
      expect(value('StudyInstanceUID')).toBe('1.2.3.4')
      expect(value('StudyTime')).toBe('101112.5')
      expect(value('SpecificCharacterSet')).toBe('ISO_IR 192')
      // 20:15:30 UTC in the source's time zone, five and a half hours ahead.
      expect([value('ContentDate'), value('ContentTime')]).toEqual(['20260201', '014530'])
      expect(text).toMatch(/UI \[1\.2\.3\.4\.5\.1\] +#.* ReferencedSOPInstanceUID/)
      return value('SeriesInstanceUID')
    })
    expect(new Set([...series, '1.2.3.4.5']).size).toBe(4)
  })

  it('finds the frame that was looked at', () => {
    expect(say('dcmdump', '+P', 'ReferencedFrameNumber', files.frameReport)).toMatch(/IS \[2\]/)
  })

  it('finds how the heat maps came about, and their units and place', () => {
    const description = say('dcmdump', '+L', '+P', 'DerivationDescription', files.capture)
    expect(description).toContain('Heat map (grad-cam) of the label Effusion, probability 0.812')
    expect(description).toContain('mean over the image and its shifts; the map is of the image as it is')
    expect(say('dcmdump', '+P', 'LossyImageCompressionRatio', files.capture)).toContain('[12.5]')
    const map = say('dcmdump', files.map)
    expect(map).toMatch(/OF 0\\0\.25\\0\.5\\0\.75\\1\\0 +#.*FloatPixelData/)
    // 8 rows of 0.5 mm in 2, 12 columns of 0.25 mm in 3.
    expect(map).toMatch(/DS \[2\\1\] +#.*PixelSpacing/)
    expect(map).toMatch(/AT \(0020,9056\)/)
  })
})

describe.skipIf(!dicom3tools)('dciodvfy (not installed: skipped)', () => {
  it.each(['report', 'capture', 'map'] as const)('has no error to name in the %s', (name) => {
    const { stderr } = spawnSync('dciodvfy', [files[name]], { encoding: 'utf8' })
    expect(stderr.split('\n').filter((line) => line.startsWith('Error'))).toEqual([])
    expect(stderr).toMatch(/^(ComprehensiveSR|SCImage|ParametricMap)$/m)
  })
})

describe.skipIf(!orthancIsThere)('an Orthanc archive (not installed: skipped)', () => {
  let orthanc: Orthanc
  beforeAll(async () => {
    orthanc = await Orthanc.start()
  })
  afterAll(() => orthanc.stop())

  it('stores image, report and heat maps in one study, and gives back what was sent', async () => {
    expect(orthanc.send('echoscu')).toEqual({ status: 0, said: '' })
    const sent = [SOURCES.image, files.report, files.capture, files.map]
    expect(orthanc.send('storescu', sent)).toEqual({ status: 0, said: '' })

    const studies = await orthanc.get<string[]>('studies')
    expect(studies).toHaveLength(1)
    const series = await orthanc.get<{ MainDicomTags: Record<string, string>; Instances: string[] }[]>(
      `studies/${studies[0]}/series`,
    )
    expect(series.map(({ MainDicomTags: main }) => main['Modality']).sort()).toEqual(['CR', 'OT', 'OT', 'SR'])
    const study = await orthanc.get<{ PatientMainDicomTags: Record<string, string> }>(`studies/${studies[0]}`)
    expect(study.PatientMainDicomTags['PatientName']).toBe('Müller^Jörg')

    const stored = await orthanc.get<string[]>('instances')
    expect(stored).toHaveLength(sent.length)
    const received: string[] = []
    for (const instance of stored) {
      const copy = join(folder, `${instance}.dcm`)
      writeFileSync(copy, await orthanc.file(`instances/${instance}/file`))
      received.push(say('dcm2json', copy))
    }
    expect(received.sort()).toEqual(sent.map((file) => say('dcm2json', file)).sort())
    const [report] = series.filter(({ MainDicomTags: main }) => main['Modality'] === 'SR')
    const tags = await orthanc.get<{ ContentSequence: unknown[]; VerificationFlag: string }>(
      `instances/${report.Instances[0]}/simplified-tags`,
    )
    expect(tags.VerificationFlag).toBe('UNVERIFIED')
    expect(JSON.stringify(tags.ContentSequence)).toContain('Pleural effusion')
  })
})

describe('plurad predict', () => {
  interface Result {
    findings: { label: string; probability: number; present: boolean | null }[]
    out_of_distribution: OutOfDistribution | null
  }
  const views = ['--tta', 'shifts,rotations,zooms']
  const withoutLibtorch = { env: { PLURAD_TORCH_BUILD: '/nowhere/current.json' } }
  const at = (name: string): string => join(folder, name)
  let images: string[]
  let scan: string

  async function model(name: string, changes: Partial<ModelInfo> = {}, seed = 0): Promise<string> {
    const decoded = await Promise.all(images.slice(0, 4).map((image) => decodeImage(image)))
    return writeRandomModel(at(name), {
      changes: { labels: ['Effusion', 'Mass', 'Odd'], ...changes },
      ...{ seed, images: decoded },
    }).onnx
  }

  /** What is printed of the one image. */
  async function predict(onnx: string, ...flags: string[]): Promise<Result & { stderr: string }> {
    const { stdout, stderr } = await succeed(['predict', onnx, scan, '--json', ...flags], withoutLibtorch)
    const [result] = JSON.parse(stdout) as [Result]
    return { ...result, stderr }
  }

  const expectValid = (file: string): void => {
    if (!dicom3tools) return
    const { stderr } = spawnSync('dciodvfy', [file], { encoding: 'utf8' })
    expect(stderr.split('\n').filter((line) => line.startsWith('Error'))).toEqual([])
  }

  beforeAll(async () => {
    await generatePhantoms(at('phantoms'), { count: 40, size: 32, seed: 3 })
    images = readdirSync(at('phantoms/images')).map((name) => at(`phantoms/images/${name}`))
    scan = at('scan.dcm')
    copyFileSync(SOURCES.image, scan)
  })

  it('writes the numbers of the views that were averaged into every object, and shows what they find', async () => {
    const plain = await predict(await model('plain'))
    const seen = await predict(at('plain.onnx'), ...views)
    // What is present alone is absent with views and the other way round.
    const thresholds = plain.findings.map(
      ({ probability }, i) => (probability + seen.findings[i].probability) / 2,
    )
    const onnx = await model('between', { thresholds })
    const folders = ['--sr', at('sr'), '--heatmaps-dicom', at('maps')]
    const { findings, stderr } = await predict(onnx, ...views, ...folders)
    findings.forEach(({ label, probability, present }, i) => {
      expect(present, label).toBe(probability >= thresholds[i])
      expect(present, label).not.toBe(plain.findings[i].probability >= thresholds[i])
    })
    const sorted = [...findings].sort((a, b) => b.probability - a.probability)
    const present = sorted.filter((finding) => finding.present)
    const shown = present.length > 0 ? present : sorted.slice(0, 1)
    const silent = shown.filter(({ label }) => stderr.includes(`no heat map of ${label}, nothing speaks`))
    const drawn = shown.filter((finding) => !silent.includes(finding))
    const names = readdirSync(at('maps'))
    expect(drawn.length).toBeGreaterThan(0)
    expect(names.sort()).toEqual(
      drawn.flatMap(({ label }) => [`scan.${label}.pm.dcm`, `scan.${label}.sc.dcm`]).sort(),
    )
    for (const { label, probability } of drawn) {
      const capture = readFileSync(at(`maps/scan.${label}.sc.dcm`))
      expect(capture.includes(`label ${label}, probability ${probability.toFixed(3)}, by`)).toBe(true)
      expect(capture.includes('mean over the image and its shifts, rotations, zooms; the map is of')).toBe(
        true,
      )
      expectValid(at(`maps/scan.${label}.sc.dcm`))
      expectValid(at(`maps/scan.${label}.pm.dcm`))
    }
    const report = readFileSync(at('sr/scan.sr.dcm'))
    expect(report.includes('test_time_augmentation=shifts,rotations,zooms')).toBe(true)
    for (const { probability } of findings)
      expect(report.includes(String(probability).slice(0, 12))).toBe(true)
    expectValid(at('sr/scan.sr.dcm'))

    const alone = await predict(onnx, '--heatmaps', at('alone'))
    const averaged = await predict(onnx, ...views, '--heatmaps', at('averaged'))
    expect(alone.stderr).not.toContain('means over')
    expect(averaged.stderr).toContain(
      'means over shifts, rotations, zooms; the maps are of the images as they',
    )
    const [one, other] = ['alone', 'averaged'].map((name) => readFileSync(at(`${name}/scan.cam.png`)))
    expect(one.equals(other)).toBe(false)
  })

  it('says in the report what it says in words: that an image is unlike those that the model knows', async () => {
    const onnx = await model('knowing')
    const opened = await OnnxModel.open(readFileSync(onnx), onnx, openSession, { threads: 1 })
    const sources = { training: images.slice(0, 28), validation: images.slice(28) }
    const kind = await fitKnownKind(opened, sources, { workers: 0 })
    await opened.close()
    writeFileSync(onnx, withMetadata(readFileSync(onnx), KNOWN_KIND_KEY, JSON.stringify(kind)))
    const { out_of_distribution: alone } = await predict(onnx)
    const { out_of_distribution: viewed } = await predict(onnx, ...views, '--sr', at('unlike'))
    expect(alone?.percentile).toBe(100)
    expect(viewed?.percentile).toBe(100)
    expect(viewed?.score).toBeCloseTo(alone?.score ?? NaN, 6)
    const report = readFileSync(at('unlike/scan.sr.dcm'))
    expect(
      report.includes(`Unlike the images that the model knows: distance ${alone?.score.toFixed(2)},`),
    ).toBe(true)
    // 12 x 8 pixels, of which the command warns as well.
    expect(report.includes('Warning: it has 12 x 8 pixels only, where the model looks at 64 x 64')).toBe(true)
    expectValid(at('unlike/scan.sr.dcm'))
  })

  it('names every member of an ensemble', async () => {
    const recipe = (name: string): Partial<ModelInfo> => ({ recipe: { name } })
    const long = 'second with a name that is longer than a value of 64 characters may be in DICOM'
    const members = [await model('one', recipe('first')), await model('two', recipe(long), 1)]
    await succeed(['predict', ...members, scan, '--sr', at('ensemble')], withoutLibtorch)
    const file = at('ensemble/scan.sr.dcm')
    expectValid(file)
    const report = readFileSync(file)
    for (const text of [
      `Plurad ensemble of 2: first, ${long}`,
      'member_1=first; version=0.1.0; backbone=guita_cnn; head=linear; training_data=none; file=one.onnx; sha256=',
      `member_2=${long}; version=0.1.0; backbone=guita_cnn; head=linear; training_data=none; file=two.onnx; sha256=`,
    ])
      expect(report.includes(text), text).toBe(true)
    for (const member of members) expect(report.includes(sha256(readFileSync(member)))).toBe(true)
  })
})

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
