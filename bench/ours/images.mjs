/** The shared data's images, for benchmarks; nothing here needs libtorch. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The files of `nih50-1024px`, `nih1000-64px` …; a clear end where they are not. */
export function filesOf(set) {
  const folder = join(process.env.PLURAD_DATA ?? '../shared/data', set, 'images')
  if (!existsSync(folder))
    throw new Error(`${folder} is missing: set PLURAD_DATA to the folder that holds ${set}`)
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
}

export function sampleOf(path) {
  return { image: path, path, patient: null, labels: [], metadata: { age: null, sex: null, view: null } }
}

export function report(values) {
  console.log(JSON.stringify({ ...values, version: `plurad on node ${process.versions.node}` }))
}
