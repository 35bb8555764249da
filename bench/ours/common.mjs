import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { engineInfo, manualSeed, setNumThreads } from '@plurad/torch'

/** What `run.mjs` gives a program; other programs have words of their own. */
export const args = process.argv[2]?.startsWith('{') ? JSON.parse(process.argv[2]) : {}
export const labels = Array.from({ length: 14 }, (_, i) => `label ${i}`)
export const version = `plurad on libtorch ${engineInfo().version} and node ${process.versions.node}`

setNumThreads(availableParallelism())
manualSeed(0)

/** A network for the 14 labels, as a recipe would make it. */
export async function model(architecture, { inChannels = 1, size = 224, head = 'linear' } = {}) {
  const { Classifier } = await import('../../packages/plurad/dist/models/classifier.js')
  const values = (value) => new Array(inChannels).fill(value)
  return new Classifier({
    backbone: { name: architecture },
    head: { name: head },
    inChannels,
    size,
    labels,
    mean: values(0.5),
    std: values(0.25),
  })
}

export const densenet = (size = 224) => model('densenet121', { size })

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
