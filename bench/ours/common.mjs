import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { engineInfo, manualSeed, setNumThreads } from '@plurad/torch'

export const args = JSON.parse(process.argv[2] ?? '{}')
export const labels = Array.from({ length: 14 }, (_, i) => `label ${i}`)
export const version = `plurad on libtorch ${engineInfo().version} and node ${process.versions.node}`

setNumThreads(availableParallelism())
manualSeed(0)

export async function densenet() {
  const { Classifier } = await import('../../packages/plurad/dist/models/classifier.js')
  return new Classifier({
    backbone: 'densenet121',
    head: 'linear',
    inChannels: 1,
    labels,
    mean: [0.5],
    std: [0.25],
  })
}

export const loss = async () => (await import('../../packages/plurad/dist/losses/bce.js')).bce

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

export function print(seconds) {
  console.log(JSON.stringify({ seconds, version }))
}

/** The full-size radiographs of the shared data; a clear end where they are not. */
export function fullSizeImages() {
  const folder = join(process.env.PLURAD_DATA ?? '../shared/data', 'nih50-1024px', 'images')
  if (!existsSync(folder))
    throw new Error(`${folder} is missing: set PLURAD_DATA to the folder that holds nih50-1024px`)
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
}
