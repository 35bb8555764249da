/**
 * Every recipe that comes along, on a few real radiographs (phantoms where there are none): two epochs with a stop in the
 * middle, and at the end a run folder that holds everything. Networks are the smallest of their family and images small: what
 * is looked at is that all parts of a recipe work together, from the table to the report.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { makeWorkplace, sets, start, succeed, type Workplace } from './cli.js'

const recipes = fileURLToPath(new URL('../../../recipes/', import.meta.url))
const names = readdirSync(recipes).flatMap((file) =>
  file.endsWith('.yaml') ? [basename(file, '.yaml')] : [],
)
const REAL = join(
  process.env['PLURAD_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
  'nih1000-64px',
)
const IMAGES = 36

interface Stated {
  model?: { backbone?: string | { name: string }; label_vectors?: unknown }
  augmentation?: unknown
  stages?: (string | { name: string })[]
  ensemble?: { members: { name: string }[] }
}

const SMALLEST: Partial<Record<string, string>> = {
  densenet121: 'guita_cnn',
  resnet50: 'resnet18',
  resnet101: 'resnet18',
  swin_l: 'swin_t',
  convnext_small: 'mobilenet_v3_small',
  mobilenet_v3_large: 'mobilenet_v3_small',
}

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace({ count: IMAGES, size: 64 })
  if (existsSync(REAL)) takeRealImages(here.path('real'))
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

/** As NIH lays its images out: two of a patient at most, mostly with findings. */
function takeRealImages(folder: string): void {
  const [header, ...rows] = readFileSync(join(REAL, 'Data_Entry_2017.csv'), 'utf8').trim().split('\n')
  const taken = new Map<string, number>()
  const few = rows.filter((row) => {
    const patient = row.split('_', 1)[0]
    taken.set(patient, (taken.get(patient) ?? 0) + 1)
    return (taken.get(patient) ?? 0) <= 2
  })
  const healthy = few.filter((row) => row.includes('No Finding'))
  const chosen = [...few.filter((row) => !healthy.includes(row)).slice(0, IMAGES - 6), ...healthy.slice(0, 6)]
  mkdirSync(join(folder, 'images'), { recursive: true })
  writeFileSync(join(folder, 'Data_Entry_2017.csv'), `${[header, ...chosen].join('\n')}\n`)
  for (const row of chosen) {
    const [image] = row.split(',')
    copyFileSync(join(REAL, 'images', image), join(folder, 'images', image))
  }
}

/** What makes a recipe small, and independent of downloads. */
function changesOf(name: string): string[] {
  const {
    model,
    augmentation,
    stages = [],
    ensemble,
  } = parse(readFileSync(join(recipes, `${name}.yaml`), 'utf8')) as Stated
  const backbone = model?.backbone
  const network = typeof backbone === 'object' ? backbone.name : (backbone ?? 'densenet121')
  const smaller = SMALLEST[network]
  const cuts = JSON.stringify(augmentation ?? null).includes('random_crop')
  return [
    'data.size=64',
    `data.resize_to=${cuts ? 72 : 'null'}`,
    'data.set=null',
    'data.workers=0',
    'model.weights=null',
    ...(FEW_LABELS.includes(name) ? ['data.labelled=12'] : []),
    ...(smaller === undefined ? [] : [`model.backbone=${smaller}`]),
    ...(model?.label_vectors === undefined ? [] : ['model.label_vectors=null', 'model.head.prompt=false']),
    'training.epochs=2',
    'training.batch_size=8',
    'training.accumulate=1',
    'training.threads=1',
    'evaluation.bootstrap=20',
    ...stages.flatMap((stage, i) => STAGE_CHANGES[typeof stage === 'string' ? stage : stage.name]?.(i) ?? []),
    ...(ensemble?.members.map((_, i) => `ensemble.members.${i}.recipe.model.backbone=${MEMBERS[i]}`) ?? []),
  ]
}

/** They need images without labels. */
const FEW_LABELS = ['simclr-few-shot', 'noisy-student']

const MEMBERS = ['guita_cnn', 'mobilenet_v3_small', 'resnet18']

const short = (stage: number, key: string): string => `stages.${stage}.recipe.training.${key}`
const STAGE_CHANGES: Partial<Record<string, (stage: number) => string[]>> = {
  supervised: (stage) => [`${short(stage, 'epochs')}=2`],
  transfer: (stage) => [`${short(stage, 'epochs')}=2`],
  simclr: (stage) => [`${short(stage, 'epochs')}=2`, `${short(stage, 'batch_size')}=8`],
  noisy_student: (stage) => [`${short(stage, 'epochs')}=2`, `stages.${stage}.iterations=1`],
  ldrnet: (stage) => [`${short(stage, 'epochs')}=1`, `stages.${stage}.rounds=1`],
}

describe('a recipe that comes along trains, is stopped, resumes and leaves a whole run', () => {
  it.each(names)('%s', { timeout: 180_000 }, async (name) => {
    const folder = here.path(name)
    const data = existsSync(here.path('real')) ? here.path('real') : here.data
    const { child, ended, said } = start([
      ...['train', name, '--data', data, '--out', folder],
      ...sets(...changesOf(name)),
    ])
    await said('Epoch 1/2')
    child.kill('SIGINT')
    const stopped = await ended
    // The last step may have been under way already.
    expect([0, 130], stopped.stderr).toContain(stopped.code)
    await succeed(['train', '--resume', '--out', folder])
    for (const file of FILES) expect(existsSync(join(folder, file)), file).toBe(true)
    const single = existsSync(join(folder, 'ensemble.json')) ? ['ensemble.json'] : SINGLE
    for (const file of single) expect(existsSync(join(folder, file)), file).toBe(true)
    const metrics = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8')) as {
      test: { images: number; macro: { auc: number | null } }
    }
    expect(metrics.test.images).toBeGreaterThan(0)
    expect(metrics.test.macro.auc === null || Number.isFinite(metrics.test.macro.auc)).toBe(true)
    rmSync(folder, { recursive: true })
  })
})

const FILES = [
  'recipe.yaml',
  'environment.json',
  'split.csv',
  'skipped.csv',
  'predictions/val.csv',
  'predictions/test.csv',
  'metrics.json',
  'report.html',
]
const SINGLE = ['history.jsonl', 'model.safetensors']
