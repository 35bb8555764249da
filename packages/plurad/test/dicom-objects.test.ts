/** Structured reports and heat maps as other software sees them: dcmtk, dicom3tools and an Orthanc archive. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDicom, renderFrame } from '../src/data/formats/dicom/index.js'
import {
  labelCodes,
  Maker,
  parametricMap,
  readSource,
  secondaryCapture,
  structuredReport,
  uidFrom,
} from '../src/dicom/index.js'
import { has, Orthanc, orthancIsThere } from './orthanc.js'

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
    report: structuredReport(maker, { source, frame, findings, codes: labelCodes() }),
    capture: secondaryCapture(maker, { source, frame, image, heatmap }),
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
    expect(say('dcmdump', '+P', 'DerivationDescription', files.capture)).toContain('grad-cam')
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
