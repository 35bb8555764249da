import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csvFormatRows } from 'd3-dsv'
import { evaluateMultilabel, maxF1Thresholds, type MultilabelMetrics } from '../src/metrics/index.js'
import { writePredictions, type Predictions } from '../src/metrics/predictions.js'

/** Labels with about the prevalence of chest radiographs, and how well a model tells them apart. */
const FINDINGS = [
  { label: 'Infiltration', prevalence: 0.177, strength: 0.7 },
  { label: 'Effusion', prevalence: 0.119, strength: 1.4 },
  { label: 'Atelectasis', prevalence: 0.103, strength: 1.1 },
  { label: 'Nodule', prevalence: 0.056, strength: 1.0 },
  { label: 'Mass', prevalence: 0.052, strength: 1.25 },
  { label: 'Pneumothorax', prevalence: 0.047, strength: 1.5 },
  { label: 'Consolidation', prevalence: 0.042, strength: 0.95 },
  { label: 'Pleural_Thickening', prevalence: 0.03, strength: 1.05 },
  { label: 'Cardiomegaly', prevalence: 0.025, strength: 1.65 },
  { label: 'Emphysema', prevalence: 0.022, strength: 1.75 },
  { label: 'Edema', prevalence: 0.021, strength: 1.45 },
  { label: 'Fibrosis', prevalence: 0.015, strength: 1.2 },
  { label: 'Pneumonia', prevalence: 0.013, strength: 0.8 },
  { label: 'Hernia', prevalence: 0.002, strength: 2.1 },
]

export interface ExampleRun {
  images?: number
  /** The first so many labels only. */
  labels?: number
  /** Replaces label names, such as by hostile ones. */
  rename?: (label: string) => string
  /** A label that never occurs in the test split. */
  absentInTest?: string
  /** Every patient of a number below this is put in two splits. */
  sharedPatients?: number
}

/** Writes a run folder such as training and evaluation leave it, of made-up images and patients. */
export async function writeExampleRun(
  folder: string,
  options: ExampleRun = {},
): Promise<{ test: MultilabelMetrics }> {
  const { images = 4000, rename = (label: string) => label, absentInTest, sharedPatients = 0 } = options
  const findings = FINDINGS.slice(0, options.labels)
  const random = generator(7)
  const labels = findings.map(({ label }) => rename(label))
  const rows = Array.from({ length: images }, (_, i) => {
    const patient = Math.floor(i / 3.6)
    const draw = (patient * 7919) % 100
    const split =
      patient < sharedPatients && i % 2 ? 'train' : draw < 70 ? 'train' : draw < 80 ? 'val' : 'test'
    // Sick patients have several findings, which makes labels come together.
    const sick = random() < 0.45 ? 2.1 : 0.1
    const truth = findings.map(({ label, prevalence }) => {
      const present = random() < prevalence * sick && !(split === 'test' && label === absentInTest)
      return random() < 0.01 ? NaN : Number(present)
    })
    return { image: `img-secret-${i}.png`, patient: `patient-secret-${patient}`, split, truth }
  })

  const predict = (split: string): Predictions => {
    const chosen = rows.filter((row) => row.split === split)
    const scores = chosen.flatMap(({ truth }) =>
      truth.map((present, c) => {
        const { prevalence, strength } = findings[c]
        const logit = Math.log(prevalence / (1 - prevalence)) + normal(random) + strength * (present || 0)
        return Math.fround(1 / (1 + Math.exp(-logit)))
      }),
    )
    return {
      labels,
      images: chosen.map((row) => row.image),
      patients: chosen.map((row) => row.patient),
      scores: Float64Array.from(scores),
      truth: Float64Array.from(chosen.flatMap((row) => row.truth)),
    }
  }
  const [val, test] = [predict('val'), predict('test')]
  const thresholds = maxF1Thresholds(val)
  const metrics = { test: evaluateMultilabel(test, thresholds), val: evaluateMultilabel(val, thresholds) }

  await mkdir(join(folder, 'predictions'), { recursive: true })
  await writePredictions(join(folder, 'predictions', 'val.csv'), val)
  await writePredictions(join(folder, 'predictions', 'test.csv'), test)
  const table = rows.map((row) => [
    row.image,
    row.patient,
    row.split,
    ...row.truth.map((value) => (Number.isNaN(value) ? '' : String(value))),
  ])
  const files: Record<string, string> = {
    'metrics.json': JSON.stringify(metrics, null, 2),
    'history.jsonl': exampleHistory(random),
    'split.csv': csvFormatRows([['image', 'patient', 'split', ...labels], ...table]),
    'recipe.yaml': RECIPE,
    'environment.json': JSON.stringify(ENVIRONMENT, null, 2),
    'skipped.csv': 'image,reason\nimg-secret-9001.png,not a PNG\nimg-secret-9002.png,not a PNG\n',
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  return metrics
}

/** Writes a run folder as it is in the middle of training: no predictions, no metrics, half a line at the end. */
export async function writeHalfRun(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const lines = exampleHistory(generator(3)).split('\n').slice(0, 3).join('\n')
  await writeFile(join(folder, 'history.jsonl'), `${lines}\n{"epoch": 4, "train_lo`)
  await writeFile(join(folder, 'recipe.yaml'), RECIPE)
}

function exampleHistory(random: () => number): string {
  return Array.from({ length: 16 }, (_, i) => {
    const epoch = i + 1
    const overfit = Math.max(0, epoch - 9) ** 1.5
    return JSON.stringify({
      epoch,
      step: epoch * 175,
      seconds: 412 + 9 * random(),
      images_per_second: 13.4 + random(),
      learning_rate: 1e-4 * 0.5 * (1 + Math.cos((Math.PI * i) / 16)),
      train_loss: 0.155 + 0.065 * Math.exp(-epoch / 4) - 0.0015 * epoch + 0.001 * random(),
      val_loss: 0.163 + 0.05 * Math.exp(-epoch / 3) + 0.0006 * overfit + 0.001 * random(),
      val_macro_auc: 0.81 - 0.2 * Math.exp(-epoch / 2.5) - 0.0012 * overfit + 0.004 * random(),
      val_macro_average_precision: 0.26 - 0.17 * Math.exp(-epoch / 3) + 0.004 * random(),
    })
  })
    .concat('')
    .join('\n')
}

const RECIPE = `name: densenet121-asymmetric
data:
  split: { train: 0.7, val: 0.1, test: 0.2, by: patient }
model:
  backbone: { name: densenet121, pretrained: imagenet }
  head: { name: linear, dropout: 0.2 }
loss: { name: asymmetric, gamma_negative: 4, gamma_positive: 1, clip: 0.05 }
training: { epochs: 16, batch_size: 16, optimizer: adamw, learning_rate: 1.0e-4, schedule: cosine }
augmentation: [resize 256, random_crop 224, horizontal_flip]
seed: 0
`

const ENVIRONMENT = {
  plurad: '0.1.0',
  node: 'v20.20.2',
  engine: { name: 'libtorch', version: '2.6.0', device: 'cpu' },
  cpu: { model: 'Example CPU @ 2.50GHz', threads: 2 },
  data: 'chest-radiographs',
  data_fingerprint: '3f1c9b0a7d5e4c2b8a6f0e1d2c3b4a5968778695a4b3c2d1e0f1a2b3c4d5e6f7',
  command_line: [
    'plurad',
    'train',
    'densenet121-asymmetric',
    '--data',
    'data/chest radiographs',
    '--out',
    'runs/a',
  ],
  started: '2025-03-14T09:26:53.589Z',
  seconds: 6723,
}

/** A small seeded generator of numbers in [0, 1) (mulberry32), so that the example is the same every time. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Box and Muller's normal deviate. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
