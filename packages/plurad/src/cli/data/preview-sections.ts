/** What a preview shows, as encoded pictures in rows. */
import type { Sharp } from 'sharp'
import { mix, mixBalanced, reordered, type LabelledBatch } from '../../data/augment/mix.js'
import { pictureBytes, previewRows, variedSamples } from '../../data/augment/preview.js'
import { loadedFor } from '../../data/augment/steps.js'
import type { Dataset, Sample } from '../../data/dataset.js'
import { ImageLoader } from '../../data/loader.js'
import { centreCrop } from '../../data/preprocess.js'
import { preprocessingOf } from '../../data/preprocessing.js'
import { Random } from '../../data/random.js'
import { sourceOf } from '../../data/source.js'
import type { Recipe } from '../../recipe/schema.js'

/** An encoded picture with what stands below it. */
export interface Cell {
  png: Buffer
  caption: string
}

export interface Section {
  title: string
  rows: { title: string; detail: string; cells: Cell[] }[]
}

/** What both kinds of file show. */
export interface Preview {
  title: string
  facts: string
  sections: Section[]
}

/** A sample and its pixels. */
export interface Shown {
  sample: Sample
  /** [planes, size, size], as training loads it. */
  pixels: Float32Array<ArrayBuffer>
}

/** The first samples that can be read, those first that show other labels; and why others could not be. */
export async function loadShown(
  { samples }: Dataset,
  { data, augmentation }: Recipe,
  count: number,
  seed: number,
): Promise<{ shown: Shown[]; failed: string[] }> {
  const preprocessing = loadedFor(augmentation, preprocessingOf(data))
  const loader = new ImageLoader({ ...preprocessing, workers: 0, cacheBytes: 0, strict: false })
  const candidates = variedSamples(samples, new Random(seed))
  const shown: Shown[] = []
  const failed: string[] = []
  const order = candidates.map((_, at) => at)
  try {
    for await (const batch of loader.batches(candidates.map(sourceOf), order, 1)) {
      failed.push(...batch.failed.map(({ reason }) => reason))
      for (const index of batch.indices) shown.push({ sample: candidates[index], pixels: batch.pixels })
      // A folder of nothing but damaged files need not be read to its end.
      if (shown.length === count || failed.length >= 100) break
    }
  } finally {
    await loader.close()
  }
  return { shown, failed }
}

/** A section a sample, and one for mixing where the recipe has it. */
export async function makeSections(
  shown: readonly Shown[],
  recipe: Recipe,
  { labels }: Dataset,
  { draws, seed, withIds }: { draws: number; seed: number; withIds: boolean },
): Promise<Section[]> {
  const { data, augmentation } = recipe
  const { channels, size: target } = data
  const { size } = loadedFor(augmentation, preprocessingOf(data))
  const cell = async (picture: Float32Array, caption = ''): Promise<Cell> => ({
    png: await encode(picture, channels, target),
    caption,
  })
  const sections: Section[] = []
  for (const [at, { sample, pixels }] of shown.entries()) {
    const options = { channels, size, target, draws, key: [seed, at] }
    const original = await cell(centreCrop(pixels, size, target), 'original')
    const rows = previewRows(pixels, augmentation, options).map(async ({ title, detail, pictures }) => ({
      title,
      detail,
      cells: [original, ...(await Promise.all(pictures.map((picture) => cell(picture))))],
    }))
    const title = `${withIds ? `${sample.image}: ` : ''}${findings(sample.labels, labels)}`
    const alone = { title: 'as the model sees it', detail: '', cells: [original] }
    sections.push({ title, rows: rows.length === 0 ? [alone] : await Promise.all(rows) })
  }
  const mixed = await mixedSection(shown, recipe, labels, seed, cell)
  return mixed === null ? sections : [...sections, mixed]
}

/** The shown samples, mixed with each other as a batch. */
async function mixedSection(
  shown: readonly Shown[],
  { data, augmentation, mixing }: Recipe,
  labels: readonly string[],
  seed: number,
  cell: (picture: Float32Array, caption: string) => Promise<Cell>,
): Promise<Section | null> {
  if (mixing === null) return null
  const { size } = loadedFor(augmentation, preprocessingOf(data))
  const pictures = shown.map(({ pixels }) => centreCrop(pixels, size, data.size))
  const length = pictures[0].length
  const pixels = new Float32Array(length * shown.length)
  pictures.forEach((picture, row) => pixels.set(picture, row * length))
  const targets = Float32Array.from(shown.flatMap(({ sample }) => sample.labels.map((value) => value ?? NaN)))
  const random = new Random(seed, shown.length)
  const always = { ...mixing, p: 1 }
  const batch = { pixels, targets }
  const others = (): LabelledBatch => reordered(batch, [...shown.keys()].reverse())
  const mixed =
    mixing.name === 'balanced_mixup'
      ? mixBalanced(batch, shown.length, others(), shown.length, always, random)
      : mix(batch, shown.length, always, data.size, random)
  const cells = shown.map((_, row) => {
    const own = Array.from(mixed.targets.subarray(row * labels.length, (row + 1) * labels.length))
    return cell(mixed.pixels.subarray(row * length, (row + 1) * length), shares(own, labels))
  })
  const row = {
    title: mixing.name,
    detail: `alpha ${mixing.alpha}, p ${mixing.p}`,
    cells: await Promise.all(cells),
  }
  return { title: 'Mixed with each other', rows: [row] }
}

async function encode(picture: Float32Array, channels: number, size: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const bytes = pictureBytes(picture, channels, size)
  const width = bytes.length / (channels * size)
  const raw = { width, height: size, channels: channels as 1 | 3 }
  const image: Sharp = sharp(bytes, { raw })
  return image
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toBuffer()
}

/** `Effusion, Mass; unknown: Edema`. */
export function findings(values: Sample['labels'], labels: readonly string[]): string {
  const having = (wanted: 1 | null): string[] => labels.filter((_, label) => values[label] === wanted)
  const unknown = having(null)
  const present = having(1)
  return (
    (present.length === 0 ? 'no finding' : present.join(', ')) +
    (unknown.length === 0 || unknown.length > 5 ? '' : `; unknown: ${unknown.join(', ')}`)
  )
}

/** `Effusion 0.7, Mass 0.3`. */
function shares(values: readonly number[], labels: readonly string[]): string {
  const present = labels.flatMap((label, at) => (values[at] > 0 ? [`${label} ${values[at].toFixed(2)}`] : []))
  return present.length === 0 ? 'no finding' : present.join(', ')
}
