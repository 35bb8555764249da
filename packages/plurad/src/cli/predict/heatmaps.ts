/** `plurad predict --heatmaps DIR`: a picture an image, of where the model found what it found. */
import { writePictures } from '../explain/pictures.js'
import type { Outcome } from './results.js'

export interface HeatmapOptions {
  /** One. */
  models: readonly string[]
  threads?: number | null
  device?: string
}

/** Findings that reach their threshold; the most probable one where none does. */
export async function writeHeatmaps(
  { models, threads = null, device = 'auto' }: HeatmapOptions,
  { predictions }: Outcome,
  folder: string,
): Promise<void> {
  const [model] = models
  const { written, notes } = await writePictures(
    {
      model,
      threads,
      device,
      preferExported: true,
      items: predictions.images.map((path) => ({ image: path, path, labels: { kind: 'found' } })),
    },
    { folder, raw: 'none', shared: true, side: 320 },
  )
  for (const note of notes) process.stderr.write(`Note: ${note}\n`)
  process.stderr.write(`${written.length} picture(s) in ${folder}\n`)
}
